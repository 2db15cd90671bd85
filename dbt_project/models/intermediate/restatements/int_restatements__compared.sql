with previous as (
    select * from {{ ref('stg_warehouse__previous_analytics_daily') }}
),

figures as (
    select * from {{ ref('analytics_daily') }}
),

catalogue as (
    select * from {{ ref('dim_kpis') }}
),

realm as (
    select * from {{ ref('int_realm__chosen') }}
),

-- The series of a metric that was current when the version before was published.
last_versions as (
    select
        metric,
        max(definition_version) as definition_version
    from previous
    group by metric
),

-- While there were no real facts, ALL spoke of demo. The day the first real fact comes it speaks of something else, and that
-- restates nothing.
previous_realm as (
    select coalesce(bool_and(segment = 'source=demo') filter (where segment like 'source=%'), false) as is_demo
    from previous
),

-- Final, or told to an investor once its period had ended: a change of these is restated.
standing as (
    select previous.*
    from previous
    inner join last_versions
        on
            previous.metric = last_versions.metric
            and previous.definition_version = last_versions.definition_version
    cross join previous_realm
    cross join realm
    where
        (previous.is_final or previous.is_exported)
        and (previous_realm.is_demo = realm.is_demo or previous.segment like 'source=%')
),

current_figures as (
    select figures.*
    from figures
    inner join catalogue
        on
            figures.metric = catalogue.metric
            and figures.definition_version = catalogue.definition_version
),

final as (
    select
        standing.metric,
        standing.period,
        standing.date,
        case standing.period
            when 'DAY' then standing.date
            when 'WEEK' then standing.date + 6
            else last_day(standing.date)
        end as period_end_date,
        standing.segment,
        standing.value as old_value,
        current_figures.value as new_value,
        catalogue.definition_version != standing.definition_version as is_new_definition,
        catalogue.is_order_based,
        catalogue.attribution_days,
        standing.segment = 'source=demo' or (standing.segment not like 'source=%' and realm.is_demo) as is_demo
    from standing
    inner join catalogue on standing.metric = catalogue.metric
    cross join realm
    left join current_figures
        on
            standing.metric = current_figures.metric
            and standing.period = current_figures.period
            and standing.date = current_figures.date
            and standing.segment = current_figures.segment
    where
        standing.value is distinct from current_figures.value
        or coalesce(standing.numerator, 0) != coalesce(current_figures.numerator, 0)
        or coalesce(standing.denominator, 0) != coalesce(current_figures.denominator, 0)
)

select * from final
