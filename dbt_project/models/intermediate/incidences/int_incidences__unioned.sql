with live as (
    select * from {{ ref('stg_ops__incidences') }}
),

files as (
    select * from {{ ref('stg_files__incidences') }}
),

-- A live row wins over a file row of the same source and source_id.
only_in_files as (
    select files.* from files
    anti join live as same_row on files.source = same_row.source and files.source_id = same_row.source_id
    anti join live as same_id on files.incidence_id = same_id.incidence_id
),

final as (
    select
        incidence_id,
        user_id,
        order_id,
        stage,
        channel,
        coalesce(first_channel, channel) as first_channel,
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
        prompt_id,
        escalation_level,
        agent_id,
        created_at,
        opened_at,
        assigned_at,
        resolved_at,
        reopen_count,
        cast(null as bigint) as wait_count,
        cast(null as bigint) as escalation_count,
        cast(null as boolean) as is_said_helped,
        merged_into,
        false as is_imported,
        source,
        source_id,
        _extract_no
    from live
    union all by name
    select
        incidence_id,
        user_id,
        order_id,
        stage,
        channel,
        channel as first_channel,
        trigger,
        outcome,
        false as is_self_serve,
        app_screen,
        issue_category,
        root_cause,
        resolution_type,
        order_impact,
        event_type,
        order_value_paise,
        order_value_paise as lost_value_paise,
        cast(null as varchar) as prompt_id,
        cast(null as varchar) as escalation_level,
        agent_id,
        created_at,
        coalesce(opened_at, created_at) as opened_at,
        assigned_at,
        resolved_at,
        reopen_count,
        wait_count,
        escalation_count,
        is_helped as is_said_helped,
        cast(null as varchar) as merged_into,
        true as is_imported,
        source,
        source_id,
        _extract_no
    from only_in_files
)

select * from final
