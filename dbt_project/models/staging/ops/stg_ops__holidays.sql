with source as (
    select * from {{ source('raw', 'holidays') }}
),

final as (
    select
        version,
        holiday_date,
        _extract_no
    from source
)

select * from final
