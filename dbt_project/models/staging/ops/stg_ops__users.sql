with source as (
    select * from {{ source('raw', 'users') }}
),

final as (
    select
        user_id,
        language,
        tier,
        prior_order_count,
        last_order_date,
        source,
        source_id,
        created_at,
        updated_at,
        _extract_no
    from source
)

select * from final
