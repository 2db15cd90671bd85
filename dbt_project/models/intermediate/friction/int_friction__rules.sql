with versions as (
    select
        version,
        valid_from
    from {{ ref('stg_ops__rule_versions') }}
    where rule_set = 'FRICTION'
),

rules as (
    select * from {{ ref('stg_ops__friction_rules') }}
),

-- In force at an instant is the highest version whose valid_from is not after it: a version ends where any higher one
-- begins, and one that a higher version precedes was never in force.
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

pivoted as (
    select
        version,
        max(threshold) filter (where code = 'INACTIVITY') as inactivity_over_seconds,
        coalesce(max(weight) filter (where code = 'INACTIVITY'), 0) as inactivity_weight,
        max(threshold) filter (where code = 'BACK_NAVIGATION') as back_navigation_over,
        coalesce(max(weight) filter (where code = 'BACK_NAVIGATION'), 0) as back_navigation_weight,
        max(threshold) filter (where code = 'PRICE_CHECK') as price_check_over,
        coalesce(max(weight) filter (where code = 'PRICE_CHECK'), 0) as price_check_weight,
        coalesce(max(weight) filter (where code = 'HIGH_VALUE_EVENT'), 0) as high_value_event_weight,
        coalesce(max(weight) filter (where code = 'FIRST_TIME_USER'), 0) as first_time_user_weight,
        max(threshold) filter (where code = 'HELP') as help_over_score
    from rules
    where kind in ('SCORE', 'HELP')
    group by version
),

final as (
    select
        spans.valid_from,
        spans.valid_to,
        pivoted.*
    from spans
    inner join pivoted on spans.version = pivoted.version
    where spans.valid_from < spans.valid_to
)

select * from final
