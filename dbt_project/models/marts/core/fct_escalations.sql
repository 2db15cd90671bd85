with escalation_log as (
    select * from {{ ref('stg_ops__escalation_log') }}
),

imported as (
    select imported.* from {{ ref('stg_files__incidence_events') }} as imported
    semi join {{ ref('fct_incidence_events') }} as events on imported.event_id = events.event_id
    where imported.event_type = 'ESCALATED'
),

unioned as (
    select
        escalation_id,
        incidence_id,
        trigger,
        level,
        channel,
        from_agent_id,
        to_agent_id,
        rule_version,
        escalated_at,
        source
    from escalation_log
    union all
    select
        event_id as escalation_id,
        incidence_id,
        'IMPORTED' as trigger,
        'UNKNOWN' as level,
        null as channel,
        agent_id as from_agent_id,
        null as to_agent_id,
        null as rule_version,
        occurred_at as escalated_at,
        source
    from imported
),

final as (
    select
        escalation_id,
        incidence_id,
        trigger,
        level,
        coalesce(channel, 'NONE') as channel,
        from_agent_id,
        to_agent_id,
        rule_version,
        escalated_at,
        {{ ist_date('escalated_at') }} as escalated_date,
        source,
        {{ is_demo() }} as is_demo
    from unioned
)

select * from final
