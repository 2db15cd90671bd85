with incidences as (
    select * from {{ ref('int_incidences__counted') }}
    where stage = 'PRE_ORDER' and is_helped
),

final as (
    select
        'assisted_conversion_rate' as metric,
        created_date as date,
        is_demo,
        source,
        {{ kpi_dimensions(['stage', 'channel', 'event_type', 'order_band', 'language', 'tier']) }},
        cast(count(*) filter (where credited_order_id is not null) as decimal(28, 3)) as numerator,
        cast(count(*) as decimal(28, 3)) as denominator
    from incidences
    group by all
)

select * from final
