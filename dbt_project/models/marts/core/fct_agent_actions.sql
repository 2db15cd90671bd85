with actions as (
    select * from {{ ref('stg_ops__agent_actions') }}
),

incidences as (
    select
        incidence_id,
        first_channel
    from {{ ref('fct_incidences') }}
),

final as (
    select
        actions.action_id,
        actions.incidence_id,
        actions.agent_id,
        actions.action,
        actions.is_allowed,
        actions.reason,
        actions.approval_id,
        actions.rule_version,
        actions.acted_at,
        {{ ist_date('actions.acted_at') }} as acted_date,
        coalesce(incidences.first_channel, 'NONE') as channel,
        actions.source,
        {{ is_demo('actions.source') }} as is_demo
    from actions
    left join incidences on actions.incidence_id = incidences.incidence_id
)

select * from final
