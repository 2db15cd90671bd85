with source as (
    select * from {{ source('raw', 'office_hours') }}
),

final as (
    select
        version,
        weekday,
        opens,
        closes,
        _extract_no
    from source
)

select * from final
