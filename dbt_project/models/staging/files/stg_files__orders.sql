with source as (
    select * from {{ source('raw', 'file_orders') }}
),

final as (
    select
        order_id,
        source,
        source_id,
        user_id,
        status,
        event_type,
        event_date,
        guest_count,
        value_paise,
        placed_at,
        cancelled_at,
        _file_id,
        _line,
        _extract_no
    from source
)

select * from final
