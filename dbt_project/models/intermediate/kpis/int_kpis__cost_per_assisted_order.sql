with incidences as (
    select * from {{ ref('int_incidences__counted') }}
    where stage = 'PRE_ORDER'
),

orders as (
    select * from {{ ref('fct_orders') }}
    where is_assisted and not is_cancelled
),

numerators as (
    select
        'cost_per_assisted_order' as metric,
        created_date as date,
        is_demo,
        source,
        {{ kpi_dimensions(['event_type', 'order_band', 'language', 'tier']) }},
        cast(sum(cx_cost_paise) as decimal(28, 3)) as numerator,
        cast(0 as decimal(28, 3)) as denominator
    from incidences
    group by all
),

denominators as (
    select
        'cost_per_assisted_order' as metric,
        placed_date as date,
        is_demo,
        source,
        {{ kpi_dimensions(['event_type', 'order_band', 'language', 'tier']) }},
        cast(0 as decimal(28, 3)) as numerator,
        cast(count(*) as decimal(28, 3)) as denominator
    from orders
    group by all
),

final as (
    select * from numerators
    union all
    select * from denominators
)

select * from final
