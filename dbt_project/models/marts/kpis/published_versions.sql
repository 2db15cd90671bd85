with previous as (
    select * from {{ ref('stg_warehouse__previous_published_versions') }}
),

build as (
    select * from {{ ref('stg_warehouse__build') }}
),

final as (
    select
        version,
        as_of,
        schema_version,
        code_hash,
        is_full_refresh
    from previous
    union all
    select
        version,
        as_of,
        schema_version,
        code_hash,
        is_full_refresh
    from build
)

select * from final
