with orders as (
    select * from {{ ref('fct_orders') }}
    where not is_cancelled
),

final as (
    select
        'self_serve_conversion_rate_7_days' as metric,
        placed_date as date,
        is_demo,
        source,
        {{ kpi_dimensions(['event_type', 'order_band', 'language', 'tier']) }},
        cast(count(*) filter (where not is_assisted_7_days) as decimal(28, 3)) as numerator,
        cast(count(*) as decimal(28, 3)) as denominator
    from orders
    group by all
)

select * from final
