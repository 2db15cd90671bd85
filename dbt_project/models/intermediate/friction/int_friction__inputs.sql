with evaluations as (
    select * from {{ ref('int_friction__evaluations') }}
),

updates as (
    select
        user_id,
        seq,
        kind,
        coalesce(event_type in ({{ words(var('high_value_events')) }}), false) as is_high_value_event,
        coalesce(prior_order_count, 0) as prior_order_count
    from {{ ref('stg_ops__context_updates') }}
    {{ where_user_is_due() }}
        and kind in ('CART', 'PROFILE')
),

-- What was known of the user after each cart and profile: the latest cart, and the latest profile.
known as (
    select
        user_id,
        seq,
        last_value(case when kind = 'CART' then is_high_value_event end ignore nulls) over so_far as is_high_value_event,
        last_value(case when kind = 'PROFILE' then prior_order_count end ignore nulls) over so_far as prior_order_count
    from updates
    window so_far as (partition by user_id order by seq rows between unbounded preceding and current row)
),

first_orders as (
    select
        user_id,
        min(placed_at) as placed_at,
        min(recorded_at) as recorded_at
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

informed as (
    select
        present.*,
        coalesce(known.is_high_value_event, false) as is_high_value_event,
        coalesce(known.prior_order_count, 0) as prior_order_count
    from present
    asof left join known on present.user_id = known.user_id and present.after_seq >= known.seq
),

final as (
    select
        informed.score_id,
        informed.user_id,
        informed.session_id,
        informed.evaluated_at,
        -- LEAST leaves nulls out, so that unknown presence needs its own line.
        case
            when informed.activity_at is null or informed.present_until is null then 0
            else greatest(
                    {{ microseconds_between('activity_at', 'least(evaluated_at, present_until)') }},
                    0
                ) // 1000000
        end as inactivity_seconds,
        informed.back_navigation_count,
        informed.price_check_count,
        informed.is_high_value_event,
        informed.prior_order_count = 0
        -- A live score knew the orders that had been told by then; the app may tell of one late.
        and coalesce(
            if(informed.is_live, first_orders.recorded_at, first_orders.placed_at) >= informed.evaluated_at, true
        ) as is_first_time_user,
        informed.is_live,
        informed.live_score,
        informed.source
    from informed
    left join first_orders on informed.user_id = first_orders.user_id
)

select * from final
