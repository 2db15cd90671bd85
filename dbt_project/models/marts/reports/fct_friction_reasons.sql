with ranked as (
    select * from {{ ref('int_reasons__ranked') }}
),

final as (
    select
        period,
        period_start_date,
        period_end_date,
        rank,
        issue_category,
        cast(incidence_count as bigint) as incidence_count,
        top_screen,
        cast(top_screen_count as bigint) as top_screen_count,
        cast(four_week_average as double) as four_week_average,
        cast(trend_rate as double) as trend_rate,
        cast(cx_cost_paise as bigint) as cx_cost_paise,
        cast(lost_value_paise as bigint) as lost_value_paise,
        is_demo
    from ranked
)

select * from final
