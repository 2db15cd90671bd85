with source as (
    select * from {{ source('raw', 'context_updates') }}
),

final as (
    select
        seq,
        user_id,
        session_id,
        kind,
        screen,
        flow,
        is_back_navigation,
        guest_count,
        event_date,
        event_type,
        cart_value_paise,
        language,
        tier,
        prior_order_count,
        client_seq,
        recorded_at,
        source,
        _extract_no
    from source
)

select * from final
