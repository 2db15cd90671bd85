with versions as (
    {{ versions_in_force('FRICTION') }}
),

rules as (
    select * from {{ ref('stg_ops__friction_rules') }}
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
        versions.valid_from,
        versions.valid_to,
        pivoted.*
    from versions
    inner join pivoted on versions.version = pivoted.version
)

select * from final
