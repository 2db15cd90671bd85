-- Fails if a week's reasons or recommendations count more or fewer incidences than were created in it.
with created as (
    select
        date_trunc('week', created_date) as week_start_date,
        is_demo,
        count(*) as incidence_count
    from {{ ref('fct_incidences') }}
    where merged_into is null
    group by all
),

reported as (
    select
        'reasons' as report,
        period_start_date,
        is_demo,
        sum(incidence_count) as incidence_count
    from {{ ref('fct_friction_reasons') }}
    where period != 'last_7_days'
    group by all
    union all
    select
        'recommendations' as report,
        period_start_date,
        is_demo,
        sum(incidence_count) as incidence_count
    from {{ ref('fct_weekly_recommendations') }}
    where period != 'last_7_days'
    group by all
)

select
    created.week_start_date,
    created.is_demo,
    reported.report
from created
left join reported
    on
        created.week_start_date = reported.period_start_date
        and created.is_demo = reported.is_demo
group by all
having
    count(reported.report) = 0
    or any_value(created.incidence_count) != any_value(reported.incidence_count)
