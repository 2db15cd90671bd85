with incidences as (
    select * from {{ ref('int_incidences__counted') }}
    where was_open
),

orders as (
    select * from {{ ref('fct_orders') }}
    where not is_cancelled
),

sides as (
    {{ two_sides(
        'incidences', 'created_date', 'count(*)', 'orders', 'placed_date',
        ['event_type', 'order_band', 'language', 'tier']
    ) }}
),

final as (
    select
        'contact_rate' as metric,
        *
    from sides
)

select * from final
