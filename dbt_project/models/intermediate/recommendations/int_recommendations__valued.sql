with compared as (
    select * from {{ ref('int_reasons__compared') }}
    where incidence_count > 0
),

-- CX cost has the discounts in it already, so they are not added a second time. The usual loss is that of the same category on
-- the same screen: a screen's categories add up to the screen's.
final as (
    select
        *,
        cast(round(lost_value_paise_before / 4.0) as bigint) as usual_loss_paise,
        lost_value_paise + cx_cost_paise - cast(round(lost_value_paise_before / 4.0) as bigint) as value_at_risk_paise,
        if(has_four_weeks_before, incidence_count_before / 4.0, null) as four_week_average
    from compared
)

select * from final
