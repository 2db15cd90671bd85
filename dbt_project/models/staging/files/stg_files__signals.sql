with source as (
    select * from {{ source('raw', 'file_signals') }}
),

final as (
    select
        source,
        source_id,
        user_id,
        session_id,
        signal_type,
        value,
        screen,
        flow,
        recorded_at,
        _file_id,
        _line,
        _extract_no
    from source
)

select * from final
