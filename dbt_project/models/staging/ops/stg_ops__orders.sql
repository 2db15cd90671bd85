with source as (
    select * from {{ source('raw', 'orders') }}
),

final as (
    select
        order_id,
        user_id,
        status,
        event_type,
        event_date,
        guest_count,
        value_paise,
        placed_at,
        recorded_at,
        cancelled_at,
        source,
        source_id,
        updated_at,
        _extract_no
    from source
)

select * from final
