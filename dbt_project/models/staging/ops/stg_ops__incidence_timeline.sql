with source as (
    select * from {{ source('raw', 'incidence_timeline') }}
),

final as (
    select
        event_id,
        incidence_id,
        event_type,
        actor_type,
        agent_id,
        channel,
        status_after,
        text_length,
        coalesce(json_array_length(flags), 0) > 0 as is_flagged,
        source_event_id,
        started_at,
        ended_at,
        is_reached,
        occurred_at,
        recorded_at,
        source,
        _extract_no
    from source
)

select * from final
