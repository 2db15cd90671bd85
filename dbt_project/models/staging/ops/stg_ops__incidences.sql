with source as (
    select * from {{ source('raw', 'incidences') }}
),

final as (
    select
        incidence_id,
        user_id,
        order_id,
        stage,
        channel,
        first_channel,
        trigger,
        outcome,
        is_self_serve,
        app_screen,
        issue_category,
        root_cause,
        resolution_type,
        order_impact,
        event_type,
        order_value_paise,
        lost_value_paise,
        rule_version,
        prompt_id,
        escalation_level,
        agent_id,
        created_at,
        opened_at,
        assigned_at,
        resolved_at,
        reopen_count,
        merged_into,
        source,
        source_id,
        updated_at,
        _extract_no
    from source
)

select * from final
