with incidences as (
    select * from {{ ref('int_incidences__counted') }}
),

final as (
    select
        'escalation_rate' as metric,
        created_date as date,
        is_demo,
        source,
        {{ kpi_dimensions(['stage', 'channel', 'event_type', 'order_band', 'language', 'tier']) }},
        cast(count(*) filter (where escalation_count > 0) as decimal(28, 3)) as numerator,
        cast(count(*) as decimal(28, 3)) as denominator
    from incidences
    group by all
)

select * from final
