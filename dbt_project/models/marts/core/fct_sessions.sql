{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ forget_due_users() }}') }}

with events as (
    select * from {{ ref('int_context__events') }}
),

scores as (
    select * from {{ ref('fct_friction_scores') }}
    {{ where_user_is_due() }}
),

orders as (
    select
        order_id,
        user_id,
        placed_at
    from {{ ref('int_orders__unioned') }}
    {{ where_user_is_due() }}
),

profiles as (
    select * from {{ ref('int_users__profiled') }}
),

folded as (
    select
        session_id,
        user_id,
        min(recorded_at) as started_at,
        max(recorded_at) as ended_at,
        count(*) as event_count,
        count(*) filter (where kind = 'SIGNAL') as signal_count,
        -- A profile is the backend's doing, at night as well.
        bool_or(kind != 'PROFILE') as is_visit,
        coalesce(bool_or(flow in ('CHECKOUT', 'PAYMENT')), false) as reached_checkout,
        max_by(screen, event_no) filter (where screen is not null) as last_screen,
        min_by(source, event_no) as source
    from events
    group by session_id, user_id
),

session_scores as (
    select
        session_id,
        user_id,
        max(score) as max_score,
        bool_or(is_help_due) as is_over_threshold,
        min(evaluated_at) filter (where is_help_due) as first_over_threshold_at
    from scores
    group by session_id, user_id
),

-- An order belongs to the latest session that began before it, if that had not ended yet.
placed as (
    select
        folded.session_id,
        folded.user_id,
        min_by(orders.order_id, (orders.placed_at, orders.order_id)) as order_id
    from orders
    asof inner join folded on orders.user_id = folded.user_id and orders.placed_at >= folded.started_at
    where orders.placed_at <= folded.ended_at + interval 30 minute
    group by folded.session_id, folded.user_id
),

final as (
    select
        folded.session_id,
        folded.user_id,
        folded.started_at,
        folded.ended_at,
        {{ ist_date('folded.started_at') }} as started_date,
        folded.event_count,
        folded.signal_count,
        folded.is_visit,
        folded.reached_checkout,
        session_scores.max_score,
        coalesce(session_scores.is_over_threshold, false) as is_over_threshold,
        session_scores.first_over_threshold_at,
        folded.last_screen,
        placed.order_id,
        coalesce(profiles.language, 'UNKNOWN') as language,
        coalesce(profiles.tier, 'UNKNOWN') as tier,
        folded.source,
        {{ is_demo('folded.source') }} as is_demo
    from folded
    left join session_scores
        on folded.session_id = session_scores.session_id and folded.user_id = session_scores.user_id
    left join placed on folded.session_id = placed.session_id and folded.user_id = placed.user_id
    asof left join profiles on folded.user_id = profiles.user_id and folded.started_at >= profiles.valid_from
)

select * from final
