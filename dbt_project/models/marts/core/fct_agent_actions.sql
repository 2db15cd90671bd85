select
    cast(null as varchar) as action_id,
    cast(null as varchar) as incidence_id,
    cast(null as varchar) as agent_id,
    cast(null as varchar) as action,
    cast(null as boolean) as is_allowed,
    cast(null as varchar) as reason,
    cast(null as varchar) as approval_id,
    cast(null as bigint) as rule_version,
    cast(null as timestamp) as acted_at,
    cast(null as date) as acted_date,
    cast(null as varchar) as channel,
    cast(null as varchar) as source,
    cast(null as boolean) as is_demo
where false
