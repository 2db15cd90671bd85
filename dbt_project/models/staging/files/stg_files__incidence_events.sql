with source as (
    select * from {{ source('raw', 'file_incidence_events') }}
),

final as (
    select
        event_id,
        source,
        source_id,
        incidence_id,
        incidence_source_id,
        event_type,
        native_activity,
        actor_type,
        agent_id,
        channel,
        text_length,
        occurred_at,
        event_no,
        _file_id,
        _line,
        _extract_no
    from source
)

select * from final
