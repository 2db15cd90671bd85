with compared as (
    select * from {{ ref('int_reasons__compared') }}
),

categories as (
    select
        period,
        period_start_date,
        period_end_date,
        is_demo,
        issue_category,
        sum(incidence_count) as incidence_count,
        sum(cx_cost_paise) as cx_cost_paise,
        sum(lost_value_paise) as lost_value_paise,
        if(bool_and(has_four_weeks_before), sum(incidence_count_before) / 4.0, null) as four_week_average,
        arg_max(app_screen, (incidence_count, app_screen)) as top_screen,
        max(incidence_count) as top_screen_count
    from compared
    group by all
    having sum(incidence_count) > 0
),

final as (
    select
        *,
        row_number() over (
            partition by period, is_demo
            order by incidence_count desc, issue_category asc
        ) as rank,
        incidence_count / nullif(four_week_average, 0) - 1 as trend_rate
    from categories
)

select * from final
