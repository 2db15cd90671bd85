with arms as (
    select
        *,
        treated_converted / nullif(treated_users, 0) as treated_rate,
        holdout_converted / nullif(holdout_users, 0) as holdout_rate
    from {{ ref('int_experiments__arms_counted') }}
),

limits as (
    select
        *,
        {{ wilson_limit('treated_converted', 'nullif(treated_users, 0)', '-') }} as treated_low,
        {{ wilson_limit('treated_converted', 'nullif(treated_users, 0)', '+') }} as treated_high,
        {{ wilson_limit('holdout_converted', 'nullif(holdout_users, 0)', '-') }} as holdout_low,
        {{ wilson_limit('holdout_converted', 'nullif(holdout_users, 0)', '+') }} as holdout_high
    from arms
),

final as (
    select
        "window",
        period_end_date,
        treated_users,
        treated_converted,
        holdout_users,
        holdout_converted,
        treated_rate,
        holdout_rate,
        -- Ten digits are far more than the data knows, and the same on every machine.
        round(treated_rate - holdout_rate, 10) as uplift,
        round(
            {{ newcombe_lower('treated_rate', 'treated_low', 'holdout_rate', 'holdout_high') }}, 10
        ) as interval_low,
        round(
            {{ newcombe_upper('treated_rate', 'treated_high', 'holdout_rate', 'holdout_low') }}, 10
        ) as interval_high,
        is_demo
    from limits
)

select * from final
