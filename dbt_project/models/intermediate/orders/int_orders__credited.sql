{{ config(materialized='table') }}

with orders as (
    select
        order_id,
        user_id,
        placed_at
    from {{ ref('int_orders__unioned') }}
    {{ where_user_is_due() }}
),

helped as (
    select
        incidence_id,
        user_id,
        order_id,
        created_at
    from {{ ref('int_incidences__assessed') }}
    where is_helped and not is_merged and stage = 'PRE_ORDER'
),

events as (
    select
        incidence_id,
        occurred_at
    from {{ ref('fct_incidence_events') }}
    {{ where_user_is_due() }}
),

pairs as (
    select
        orders.order_id,
        orders.placed_at,
        helped.incidence_id,
        helped.created_at,
        coalesce(helped.order_id = orders.order_id, false) as is_linked
    from orders
    inner join helped on orders.user_id = helped.user_id
    where helped.created_at <= orders.placed_at or helped.order_id = orders.order_id
),

-- What came after the order was placed says nothing of the help before it.
active as (
    select
        pairs.*,
        coalesce(events.occurred_at, pairs.created_at) as last_active_at
    from pairs
    asof left join events on pairs.incidence_id = events.incidence_id and pairs.placed_at >= events.occurred_at
),

eligible as (
    select
        *,
        is_linked or last_active_at >= placed_at - interval 1 day as is_within_1_day,
        is_linked or last_active_at >= placed_at - interval 3 day as is_within_3_days
    from active
    where is_linked or last_active_at >= placed_at - interval 7 day
),

final as (
    select
        order_id,
        bool_or(is_within_3_days) as is_assisted,
        bool_or(is_within_1_day) as is_assisted_1_day,
        true as is_assisted_7_days,
        max_by(incidence_id, (last_active_at, created_at, incidence_id)) filter (where is_within_3_days)
            as assisting_incidence_id
    from eligible
    group by order_id
)

select * from final
