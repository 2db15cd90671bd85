with source as (
    select * from {{ source('raw', 'build') }}
),

final as (
    select
        build_id,
        version,
        as_of,
        extract_no,
        base_version,
        is_full_refresh,
        code_hash,
        schema_version
    from source
)

select * from final
