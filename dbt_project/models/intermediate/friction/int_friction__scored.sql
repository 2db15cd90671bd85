with inputs as (
    select * from {{ ref('int_friction__inputs') }}
),

rules as (
    select * from {{ ref('int_friction__rules') }}
),

weighed as (
    select
        inputs.*,
        rules.version as rule_version,
        rules.help_over_score,
        case when inputs.inactivity_seconds > rules.inactivity_over_seconds then rules.inactivity_weight else 0 end
        + case when inputs.back_navigation_count > rules.back_navigation_over then rules.back_navigation_weight else 0 end
        + case when inputs.price_check_count > rules.price_check_over then rules.price_check_weight else 0 end
        + case when inputs.is_high_value_event then rules.high_value_event_weight else 0 end
        + case when inputs.is_first_time_user then rules.first_time_user_weight else 0 end as weight_sum
    from inputs
    inner join rules on inputs.evaluated_at >= rules.valid_from and inputs.evaluated_at < rules.valid_to
),

final as (
    select
        * exclude (weight_sum, help_over_score),
        least(weight_sum, 100) as score,
        coalesce(least(weight_sum, 100) > help_over_score, false) as is_help_due
    from weighed
)

select * from final
