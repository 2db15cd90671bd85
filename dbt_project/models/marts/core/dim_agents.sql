select
    cast(null as varchar) as agent_id,
    cast(null as varchar[]) as levels,
    cast(null as bigint) as open_limit,
    cast(null as varchar) as status,
    cast(null as varchar) as source,
    cast(null as boolean) as is_demo
where false
