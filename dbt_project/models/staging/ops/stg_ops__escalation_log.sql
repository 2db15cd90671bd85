with source as (
    select * from {{ source('raw', 'escalation_log') }}
),

final as (
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
        source,
        _extract_no
    from source
)

select * from final
