select
    cast(null as varchar) as signal_id,
    cast(null as bigint) as seq,
    cast(null as varchar) as user_id,
    cast(null as varchar) as session_id,
    cast(null as varchar) as signal_type,
    cast(null as boolean) as is_known_type,
    cast(null as double) as value,
    cast(null as varchar) as screen,
    cast(null as varchar) as flow,
    cast(null as timestamp) as recorded_at,
    cast(null as date) as recorded_date,
    cast(null as varchar) as source,
    cast(null as boolean) as is_demo
where false
