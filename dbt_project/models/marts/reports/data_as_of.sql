with build as (
    select * from {{ ref('stg_warehouse__build') }}
),

realm as (
    select * from {{ ref('int_realm__chosen') }}
),

final as (
    select
        build.version,
        build.as_of,
        build.schema_version,
        realm.is_demo,
        build.code_hash
    from build
    cross join realm
)

select * from final
