with source as (
    select * from {{ source('raw', 'order_change_requests') }}
),

final as (
    select
        request_id,
        incidence_id,
        order_id,
        action_id,
        agent_id,
        kind,
        discount_code,
        discount_paise,
        status,
        requested_at,
        decided_at,
        source,
        _extract_no
    from source
)

select * from final
