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

was_final as (
    select previous.*
    from previous
    inner join last_versions
        on
            previous.metric = last_versions.metric
            and previous.definition_version = last_versions.definition_version
    cross join previous_realm
    cross join realm
    where
        previous.is_final
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
        was_final.metric,
        was_final.period,
        was_final.date,
        case was_final.period
            when 'DAY' then was_final.date
            when 'WEEK' then was_final.date + 6
            else last_day(was_final.date)
        end as period_end_date,
        was_final.segment,
        was_final.value as old_value,
        current_figures.value as new_value,
        catalogue.definition_version != was_final.definition_version as is_new_definition,
        catalogue.is_order_based,
        catalogue.attribution_days,
        was_final.segment = 'source=demo' or (was_final.segment not like 'source=%' and realm.is_demo) as is_demo
    from was_final
    inner join catalogue on was_final.metric = catalogue.metric
    cross join realm
    left join current_figures
        on
            was_final.metric = current_figures.metric
            and was_final.period = current_figures.period
            and was_final.date = current_figures.date
            and was_final.segment = current_figures.segment
    where
        was_final.value is distinct from current_figures.value
        or coalesce(was_final.numerator, 0) != coalesce(current_figures.numerator, 0)
        or coalesce(was_final.denominator, 0) != coalesce(current_figures.denominator, 0)
)

select * from final
