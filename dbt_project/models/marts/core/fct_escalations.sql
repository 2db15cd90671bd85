select
    cast(null as varchar) as escalation_id,
    cast(null as varchar) as incidence_id,
    cast(null as varchar) as trigger,
    cast(null as varchar) as level,
    cast(null as varchar) as channel,
    cast(null as varchar) as from_agent_id,
    cast(null as varchar) as to_agent_id,
    cast(null as bigint) as rule_version,
    cast(null as timestamp) as escalated_at,
    cast(null as date) as escalated_date,
    cast(null as varchar) as source,
    cast(null as boolean) as is_demo
where false
