with source as (
    select * from {{ source('raw', 'outbox') }}
),

final as (
    select
        message_id,
        destination,
        kind,
        state,
        attempts,
        created_at,
        sent_at,
        source,
        _extract_no
    from source
)

select * from final
