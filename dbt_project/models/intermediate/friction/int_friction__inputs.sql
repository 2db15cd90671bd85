with evaluations as (
    select * from {{ ref('int_friction__evaluations') }}
),

carts as (
    select
        user_id,
        seq,
        coalesce(event_type in ({{ words(var('high_value_events')) }}), false) as is_high_value_event
    from {{ ref('stg_ops__context_updates') }}
    {{ where_user_is_due() }}
        and kind = 'CART'
),

profiles as (
    select
        user_id,
        seq,
        coalesce(prior_order_count, 0) as prior_order_count
    from {{ ref('stg_ops__context_updates') }}
    {{ where_user_is_due() }}
        and kind = 'PROFILE'
),

first_orders as (
    select
        user_id,
        min(placed_at) as placed_at
    from {{ ref('int_orders__unioned') }}
    {{ where_user_is_due() }}
    group by user_id
),

-- How long the user was seen to be there. With heartbeats: until the app went to the background, else 30 seconds after
-- the last sign. Without: 30 minutes, on the flows where standing still means hesitating.
present as (
    select
        *,
        case
            when heartbeat_at is not null and isfinite(away_at) then away_at
            when heartbeat_at is not null then greatest(heartbeat_at, activity_at) + interval 30 second
            when flow in ('CHECKOUT', 'PAYMENT', 'GUEST_COUNT') then activity_at + interval 30 minute
        end as present_until
    from evaluations
),

with_carts as (
    select
        present.*,
        coalesce(carts.is_high_value_event, false) as is_high_value_event
    from present
    asof left join carts on present.user_id = carts.user_id and present.after_seq >= carts.seq
),

with_profiles as (
    select
        with_carts.*,
        coalesce(profiles.prior_order_count, 0) as prior_order_count
    from with_carts
    asof left join profiles on with_carts.user_id = profiles.user_id and with_carts.after_seq >= profiles.seq
),

final as (
    select
        with_profiles.score_id,
        with_profiles.user_id,
        with_profiles.session_id,
        with_profiles.evaluated_at,
        -- LEAST leaves nulls out, so that unknown presence needs its own line.
        case
            when with_profiles.activity_at is null or with_profiles.present_until is null then 0
            else greatest(
                    {{ microseconds_between('activity_at', 'least(evaluated_at, present_until)') }},
                    0
                ) // 1000000
        end as inactivity_seconds,
        with_profiles.back_navigation_count,
        with_profiles.price_check_count,
        with_profiles.is_high_value_event,
        with_profiles.prior_order_count = 0
        and coalesce(first_orders.placed_at >= with_profiles.evaluated_at, true) as is_first_time_user,
        with_profiles.is_live,
        with_profiles.live_score,
        with_profiles.source
    from with_profiles
    left join first_orders on with_profiles.user_id = first_orders.user_id
)

select * from final
