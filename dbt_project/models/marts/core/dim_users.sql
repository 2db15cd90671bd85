select
    cast(null as varchar) as user_id,
    cast(null as varchar) as language,
    cast(null as varchar) as tier,
    cast(null as bigint) as prior_order_count,
    cast(null as timestamp) as first_seen_at,
    cast(null as bigint) as order_count,
    cast(null as timestamp) as last_order_at,
    cast(null as boolean) as is_first_time,
    cast(null as varchar) as source,
    cast(null as boolean) as is_demo
where false
