with incidences as (
    select * from {{ ref('int_incidences__counted') }}
    where stage = 'PRE_ORDER'
),

orders as (
    select * from {{ ref('fct_orders') }}
    where is_assisted and not is_cancelled
),

sides as (
    {{ two_sides(
        'incidences', 'created_date', 'sum(cx_cost_paise)', 'orders', 'placed_date',
        ['event_type', 'order_band', 'language', 'tier']
    ) }}
),

final as (
    select
        'cost_per_assisted_order' as metric,
        *
    from sides
)

select * from final
