with source as (
    select * from {{ source('raw', 'issue_categories') }}
),

final as (
    select
        version,
        code,
        name_en,
        name_hi,
        _extract_no
    from source
)

select * from final
