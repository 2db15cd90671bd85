with source as (
    select * from {{ source('raw', 'previous_published_versions') }}
),

final as (
    select
        version,
        as_of,
        schema_version,
        code_hash,
        is_full_refresh
    from source
)

select * from final
