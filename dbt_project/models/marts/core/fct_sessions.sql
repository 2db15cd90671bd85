select
    cast(null as varchar) as session_id,
    cast(null as varchar) as user_id,
    cast(null as timestamp) as started_at,
    cast(null as timestamp) as ended_at,
    cast(null as date) as started_date,
    cast(null as bigint) as event_count,
    cast(null as bigint) as signal_count,
    cast(null as boolean) as reached_checkout,
    cast(null as bigint) as max_score,
    cast(null as boolean) as is_over_threshold,
    cast(null as timestamp) as first_over_threshold_at,
    cast(null as varchar) as last_screen,
    cast(null as varchar) as order_id,
    cast(null as varchar) as language,
    cast(null as varchar) as tier,
    cast(null as varchar) as source,
    cast(null as boolean) as is_demo
where false
