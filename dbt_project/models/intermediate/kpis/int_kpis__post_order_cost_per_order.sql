with incidences as (
    select * from {{ ref('int_incidences__counted') }}
    where stage = 'POST_ORDER'
),

orders as (
    select * from {{ ref('fct_orders') }}
    where not is_cancelled
),

sides as (
    {{ two_sides(
        'incidences', 'created_date', 'sum(cx_cost_paise)', 'orders', 'placed_date',
        ['event_type', 'order_band', 'language', 'tier']
    ) }}
),

final as (
    select
        'post_order_cost_per_order' as metric,
        *
    from sides
)

select * from final
