with days as (
    select * from {{ ref('int_reasons__counted_by_day') }}
),

periods as (
    select * from {{ ref('int_periods__listed') }}
),

-- Without four whole weeks of facts before a period there is nothing to compare it with.
first_days as (
    select
        is_demo,
        min(created_date) as first_date
    from days
    group by is_demo
),

-- The period, and the 28 days before it; what came up only before is kept, with a count of 0.
compared as (
    select
        periods.period,
        periods.period_start_date,
        periods.period_end_date,
        days.is_demo,
        days.issue_category,
        days.app_screen,
        sum(if(days.created_date >= periods.period_start_date, days.incidence_count, 0)) as incidence_count,
        sum(if(days.created_date >= periods.period_start_date, days.cx_cost_paise, 0)) as cx_cost_paise,
        sum(if(days.created_date >= periods.period_start_date, days.discount_paise, 0)) as discount_paise,
        sum(if(days.created_date >= periods.period_start_date, days.lost_value_paise, 0)) as lost_value_paise,
        sum(if(days.created_date < periods.period_start_date, days.incidence_count, 0)) as incidence_count_before,
        sum(if(days.created_date < periods.period_start_date, days.lost_value_paise, 0)) as lost_value_paise_before
    from periods
    inner join days
        on days.created_date between periods.period_start_date - 28 and periods.period_end_date
    group by all
),

final as (
    select
        compared.*,
        first_days.first_date <= compared.period_start_date - 28 as has_four_weeks_before
    from compared
    inner join first_days on compared.is_demo = first_days.is_demo
)

select * from final
