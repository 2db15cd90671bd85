with source as (
    select * from {{ source('raw', 'file_incidences') }}
),

final as (
    select
        incidence_id,
        source,
        source_id,
        user_id,
        order_id,
        stage,
        channel,
        trigger,
        outcome,
        app_screen,
        issue_category,
        root_cause,
        resolution_type,
        order_impact,
        agent_id,
        event_type,
        order_value_paise,
        created_at,
        opened_at,
        assigned_at,
        resolved_at,
        reopen_count,
        wait_count,
        escalation_count,
        is_helped,
        _file_id,
        _line,
        _extract_no
    from source
)

select * from final
