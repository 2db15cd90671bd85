{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ forget_due_users() }}') }}

with users as (
    select * from {{ ref('int_users__unioned') }}
),

profiles as (
    select * from {{ ref('int_users__profiled') }}
),

incidences as (
    select
        user_id,
        created_at,
        source
    from {{ ref('int_incidences__unioned') }}
    {{ where_user_is_due() }}
),

orders as (
    select * from {{ ref('int_orders__unioned') }}
    {{ where_user_is_due() }}
),

sessions as (
    select
        user_id,
        started_at,
        source
    from {{ ref('fct_sessions') }}
    {{ where_user_is_due() }}
),

facts as (
    select
        user_id,
        created_at as seen_at,
        source
    from incidences
    union all
    select
        user_id,
        placed_at,
        source
    from orders
    union all
    select
        user_id,
        started_at,
        source
    from sessions
),

seen as (
    select
        user_id,
        min(seen_at) as first_seen_at,
        min_by(source, (seen_at, source)) as source
    from facts
    group by user_id
),

ordered as (
    select
        user_id,
        count(*) as known_count,
        count(*) filter (where not is_cancelled) as order_count,
        max(placed_at) filter (where not is_cancelled) as last_order_at
    from orders
    group by user_id
),

latest_profiles as (
    select
        user_id,
        max_by(language, valid_from) as language,
        max_by(tier, valid_from) as tier
    from profiles
    group by user_id
),

final as (
    select
        coalesce(users.user_id, seen.user_id) as user_id,
        coalesce(users.language, latest_profiles.language, 'UNKNOWN') as language,
        coalesce(users.tier, latest_profiles.tier, 'UNKNOWN') as tier,
        coalesce(users.prior_order_count, 0) as prior_order_count,
        coalesce(seen.first_seen_at, users.created_at) as first_seen_at,
        coalesce(ordered.order_count, 0) as order_count,
        ordered.last_order_at,
        coalesce(ordered.known_count, 0) = 0 and coalesce(users.prior_order_count, 0) = 0 as is_first_time,
        coalesce(users.source, seen.source) as source,
        {{ is_demo('coalesce(users.source, seen.source)') }} as is_demo
    from users
    full outer join seen on users.user_id = seen.user_id
    left join ordered on coalesce(users.user_id, seen.user_id) = ordered.user_id
    left join latest_profiles on coalesce(users.user_id, seen.user_id) = latest_profiles.user_id
)

select * from final
