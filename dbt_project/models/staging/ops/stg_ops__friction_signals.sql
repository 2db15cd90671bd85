with source as (
    select * from {{ source('raw', 'friction_signals') }}
),

final as (
    select
        seq,
        user_id,
        session_id,
        signal_type,
        value,
        screen,
        flow,
        recorded_at,
        source,
        _extract_no
    from source
)

select * from final
