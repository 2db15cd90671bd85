with source as (
    select * from {{ source('raw', 'webhook_events') }}
),

final as (
    select
        event_id,
        platform,
        state,
        attempts,
        duplicate_count,
        occurred_at,
        received_at,
        processed_at,
        source,
        _extract_no
    from source
)

select * from final
