select
    cast(null as varchar) as score_id,
    cast(null as varchar) as user_id,
    cast(null as varchar) as session_id,
    cast(null as timestamp) as evaluated_at,
    cast(null as date) as evaluated_date,
    cast(null as bigint) as inactivity_seconds,
    cast(null as bigint) as back_navigation_count,
    cast(null as bigint) as price_check_count,
    cast(null as boolean) as is_high_value_event,
    cast(null as boolean) as is_first_time_user,
    cast(null as bigint) as score,
    cast(null as boolean) as is_help_due,
    cast(null as bigint) as rule_version,
    cast(null as boolean) as is_live,
    cast(null as bigint) as live_score,
    cast(null as varchar) as source,
    cast(null as boolean) as is_demo
where false
