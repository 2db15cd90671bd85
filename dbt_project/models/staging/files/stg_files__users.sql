with source as (
    select * from {{ source('raw', 'file_users') }}
),

final as (
    select
        user_id,
        source,
        source_id,
        language,
        tier,
        prior_order_count,
        last_order_date,
        _file_id,
        _line,
        _extract_no
    from source
)

select * from final
