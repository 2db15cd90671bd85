with build as (
    select * from {{ ref('stg_warehouse__build') }}
),

incidences as (
    select distinct created_date from {{ ref('int_incidences__counted') }}
),

weeks as (
    select distinct
        {{ iso_week('created_date') }} as period,
        {{ week_start_date('created_date') }} as period_start_date,
        {{ week_start_date('created_date') }} + 6 as period_end_date
    from incidences
),

-- The 7 whole Indian days before the data ends: today is not over.
last_7_days as (
    select
        'last_7_days' as period,
        {{ ist_date('as_of') }} - 7 as period_start_date,
        {{ ist_date('as_of') }} - 1 as period_end_date
    from build
),

final as (
    select * from weeks
    union all
    select * from last_7_days
)

select * from final
