{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ forget_due_users() }}') }}

with orders as (
    select * from {{ ref('int_orders__unioned') }}
    {{ where_user_is_due() }}
),

credited as (
    select * from {{ ref('int_orders__credited') }}
),

users as (
    select * from {{ ref('int_users__unioned') }}
),

profiles as (
    select * from {{ ref('int_users__profiled') }}
),

discounts as (
    select
        order_id,
        sum(discount_paise) as discount_paise
    from {{ ref('stg_ops__order_change_requests') }}
    where kind = 'DISCOUNT' and status = 'APPLIED'
    group by order_id
),

numbered as (
    select
        order_id,
        row_number() over (partition by user_id, is_cancelled order by placed_at, order_id) as order_no
    from orders
),

final as (
    select
        orders.order_id,
        orders.user_id,
        orders.status,
        orders.is_cancelled,
        coalesce(orders.event_type, 'UNKNOWN') as event_type,
        orders.event_date,
        orders.guest_count,
        orders.value_paise,
        {{ order_band('orders.value_paise') }} as order_band,
        orders.placed_at,
        {{ ist_date('orders.placed_at') }} as placed_date,
        orders.cancelled_at,
        coalesce(credited.is_assisted, false) as is_assisted,
        coalesce(credited.is_assisted_1_day, false) as is_assisted_1_day,
        coalesce(credited.is_assisted_7_days, false) as is_assisted_7_days,
        credited.assisting_incidence_id,
        not orders.is_cancelled and numbered.order_no = 1 and coalesce(users.prior_order_count, 0) = 0
            as is_first_order,
        cast(coalesce(discounts.discount_paise, 0) as bigint) as discount_paise,
        coalesce(profiles.language, 'UNKNOWN') as language,
        coalesce(profiles.tier, 'UNKNOWN') as tier,
        orders.source,
        orders.source_id,
        {{ is_demo('orders.source') }} as is_demo
    from orders
    inner join numbered on orders.order_id = numbered.order_id
    left join credited on orders.order_id = credited.order_id
    left join users on orders.user_id = users.user_id
    left join discounts on orders.order_id = discounts.order_id
    asof left join profiles on orders.user_id = profiles.user_id and orders.placed_at >= profiles.valid_from
)

select * from final
