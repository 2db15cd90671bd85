with actions as (
    select * from {{ ref('fct_agent_actions') }}
),

incidences as (
    select * from {{ ref('int_kpis__incidences_prepared') }}
),

-- An action is cut by what its incidence is.
joined as (
    select
        actions.acted_date,
        actions.is_demo,
        actions.source,
        actions.is_allowed,
        incidences.stage,
        incidences.channel,
        incidences.event_type,
        incidences.order_band,
        incidences.language,
        incidences.tier
    from actions
    left join incidences on actions.incidence_id = incidences.incidence_id
),

final as (
    select
        'blocked_action_rate' as metric,
        acted_date as date,
        is_demo,
        source,
        {{ kpi_dimensions(['stage', 'channel', 'event_type', 'order_band', 'language', 'tier']) }},
        cast(count(*) filter (where not is_allowed) as decimal(28, 3)) as numerator,
        cast(count(*) as decimal(28, 3)) as denominator
    from joined
    group by all
)

select * from final
