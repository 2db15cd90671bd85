with versions as (
    {{ versions_in_force('SCREEN') }}
),

screens as (
    select * from {{ ref('stg_ops__screens') }}
),

final as (
    select
        screens.code as screen,
        screens.flow,
        versions.valid_from,
        versions.valid_to
    from versions
    inner join screens on versions.version = screens.version
)

select * from final
