with build as (
    select {{ ist_date('as_of') }} as last_date from {{ ref('stg_warehouse__build') }}
),

facts as (
    select min(created_date) as first_date from {{ ref('fct_incidences') }}
    union all
    select min(placed_date) from {{ ref('fct_orders') }}
    union all
    select min(started_date) from {{ ref('fct_sessions') }}
),

span as (
    select
        build.last_date,
        least(coalesce(min(facts.first_date), build.last_date), build.last_date) as first_date
    from build
    cross join facts
    group by build.last_date
),

days as (
    select cast(unnest(range(first_date, last_date + interval 1 day, interval 1 day)) as date) as date
    from span
),

final as (
    select
        date,
        {{ iso_week('date') }} as iso_week,
        {{ week_start_date('date') }} as week_start_date,
        cast(date_trunc('month', date) as date) as month_start_date,
        isodow(date) as weekday,
        isodow(date) >= 6 as is_weekend
    from days
)

select * from final
