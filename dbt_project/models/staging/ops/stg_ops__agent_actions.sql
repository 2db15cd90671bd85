with source as (
    select * from {{ source('raw', 'agent_actions') }}
),

final as (
    select
        action_id,
        incidence_id,
        agent_id,
        action,
        is_allowed,
        reason,
        approval_id,
        rule_version,
        acted_at,
        source,
        _extract_no
    from source
)

select * from final
