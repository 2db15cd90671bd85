with actions as (
    select * from {{ ref('fct_agent_actions') }}
),

incidences as (
    select * from {{ ref('int_incidences__counted') }}
),

-- An action is cut by what its incidence is.
joined as (
    select
        actions.acted_date,
        actions.is_demo,
        actions.source,
        actions.is_allowed,
        coalesce(incidences.stage, 'NONE') as stage,
        coalesce(incidences.channel, 'NONE') as channel,
        coalesce(incidences.event_type, 'NONE') as event_type,
        coalesce(incidences.order_band, 'NONE') as order_band,
        coalesce(incidences.language, 'NONE') as language,
        coalesce(incidences.tier, 'NONE') as tier
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
