-- Fails if the KPI and the list of repeat issues disagree about a week.
with listed as (
    select
        repeats.period_start_date as date,
        count(*) as repeat_count
    from {{ ref('fct_repeat_issues') }} as repeats
    inner join {{ ref('data_as_of') }} as realm on repeats.is_demo = realm.is_demo
    where repeats.scope = 'CATEGORY' and repeats.period != 'last_7_days'
    group by all
),

counted as (
    select
        date,
        numerator as repeat_count
    from {{ ref('analytics_daily') }}
    where metric = 'repeat_issue_count' and segment = 'ALL'
)

select
    coalesce(listed.date, counted.date) as date,
    listed.repeat_count as listed_count,
    counted.repeat_count as counted_count
from listed
full outer join counted on listed.date = counted.date
where coalesce(listed.repeat_count, 0) != coalesce(counted.repeat_count, 0)
