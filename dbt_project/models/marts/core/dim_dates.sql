select
    cast(null as date) as date,
    cast(null as varchar) as iso_week,
    cast(null as date) as week_start_date,
    cast(null as date) as month_start_date,
    cast(null as bigint) as weekday,
    cast(null as boolean) as is_weekend
where false
