with source as (
    select * from {{ source('raw', 'extracts') }}
),

final as (
    select
        extract_no,
        kind,
        as_of,
        store_id,
        row_count
    from source
)

select * from final
