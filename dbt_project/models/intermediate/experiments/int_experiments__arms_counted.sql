with moments as (
    select * from {{ ref('int_experiments__moments_judged') }}
),

build as (
    select * from {{ ref('stg_warehouse__build') }}
),

last_day as (
    select {{ ist_date('as_of') }} - 1 as date from build
),

-- The week of a moment and the three after it are the ones whose 28 days hold it.
weeks_after as (
    select unnest([0, 1, 2, 3]) as weeks
),

-- 28 days ending with the last whole Indian day, and with each ISO week's Sunday.
ends as (
    select distinct
        moments.is_demo,
        {{ week_start_date('moments.due_date') }} + 7 * weeks_after.weeks + 6 as period_end_date
    from moments
    cross join weeks_after
    union
    select distinct
        moments.is_demo,
        last_day.date as period_end_date
    from moments
    cross join last_day
),

windows as (
    select
        '28_DAYS' as "window",
        ends.is_demo,
        ends.period_end_date - 27 as start_date,
        ends.period_end_date
    from ends
    cross join last_day
    where ends.period_end_date <= last_day.date
    union all
    select
        'SINCE_START' as "window",
        moments.is_demo,
        min(moments.due_date) as start_date,
        last_day.date as period_end_date
    from moments
    cross join last_day
    group by all
),

-- Each user once in a window: at the first eligible moment that lies in it.
firsts as (
    select
        windows."window",
        windows.period_end_date,
        windows.is_demo,
        moments.user_id,
        arg_min(moments.is_holdout, (moments.due_at, moments.prompt_id)) as is_holdout,
        arg_min(moments.is_converted, (moments.due_at, moments.prompt_id)) as is_converted
    from windows
    inner join moments
        on
            windows.is_demo = moments.is_demo
            and moments.due_date between windows.start_date and windows.period_end_date
    group by all
),

final as (
    select
        "window",
        period_end_date,
        is_demo,
        count(*) filter (where not is_holdout) as treated_users,
        count(*) filter (where not is_holdout and is_converted) as treated_converted,
        count(*) filter (where is_holdout) as holdout_users,
        count(*) filter (where is_holdout and is_converted) as holdout_converted
    from firsts
    group by all
)

select * from final
