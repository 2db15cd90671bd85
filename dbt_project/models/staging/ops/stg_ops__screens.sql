with source as (
    select * from {{ source('raw', 'screens') }}
),

final as (
    select
        version,
        code,
        flow,
        _extract_no
    from source
)

select * from final
