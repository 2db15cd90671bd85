with valued as (
    select * from {{ ref('int_recommendations__valued') }}
),

evidence as (
    select * from {{ ref('int_recommendations__evidenced') }}
),

fixes as (
    select * from {{ ref('int_recommendations__fixed') }}
),

states as (
    select * from {{ ref('stg_ops__recommendation_states') }}
),

-- A recommendation is that of the ISO week in which its period ends: what is decided on one seen in last_7_days is decided
-- for that week, and asked anew the week after.
identified as (
    select
        *,
        {{ stable_id([
            iso_week('period_end_date'), 'issue_category', 'app_screen', 'cast(is_demo as varchar)'
        ]) }} as recommendation_id
    from valued
),

final as (
    select
        identified.recommendation_id,
        identified.period,
        identified.period_start_date,
        identified.period_end_date,
        row_number() over (
            partition by identified.period, identified.is_demo
            order by
                identified.value_at_risk_paise desc,
                identified.incidence_count desc,
                identified.issue_category asc,
                identified.app_screen asc
        ) as rank,
        identified.issue_category,
        identified.app_screen,
        cast(identified.incidence_count as bigint) as incidence_count,
        cast(identified.four_week_average as double) as four_week_average,
        cast(identified.incidence_count / nullif(identified.four_week_average, 0) - 1 as double) as trend_rate,
        cast(identified.lost_value_paise as bigint) as lost_value_paise,
        cast(identified.cx_cost_paise as bigint) as cx_cost_paise,
        cast(identified.discount_paise as bigint) as discount_paise,
        cast(identified.usual_loss_paise as bigint) as usual_loss_paise,
        cast(identified.value_at_risk_paise as bigint) as value_at_risk_paise,
        evidence.evidence_incidence_ids,
        fixes.fix_title,
        fixes.fix_detail,
        coalesce(states.state, 'OPEN') as state,
        states.changed_at as state_changed_at,
        identified.is_demo
    from identified
    inner join evidence
        on
            identified.period = evidence.period
            and identified.is_demo = evidence.is_demo
            and identified.issue_category = evidence.issue_category
            and identified.app_screen = evidence.app_screen
    inner join fixes
        on
            identified.period = fixes.period
            and identified.is_demo = fixes.is_demo
            and identified.issue_category = fixes.issue_category
            and identified.app_screen = fixes.app_screen
    left join states on identified.recommendation_id = states.recommendation_id
)

select * from final
