with versions as (
    select
        version,
        valid_from
    from {{ ref('stg_ops__rule_versions') }}
    where rule_set = 'SCREEN'
),

screens as (
    select * from {{ ref('stg_ops__screens') }}
),

-- As with the friction rules: a version holds until any higher one does.
spans as (
    select
        version,
        valid_from,
        coalesce(
            min(valid_from) over (order by version rows between 1 following and unbounded following),
            timestamp 'infinity'
        ) as valid_to
    from versions
),

final as (
    select
        screens.code as screen,
        screens.flow,
        spans.valid_from,
        spans.valid_to
    from spans
    inner join screens on spans.version = screens.version
    where spans.valid_from < spans.valid_to
)

select * from final
