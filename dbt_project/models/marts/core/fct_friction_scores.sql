{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ forget_due_users() }}') }}

with scored as (
    select * from {{ ref('int_friction__scored') }}
),

final as (
    select
        score_id,
        user_id,
        session_id,
        evaluated_at,
        {{ ist_date('evaluated_at') }} as evaluated_date,
        inactivity_seconds,
        back_navigation_count,
        price_check_count,
        is_high_value_event,
        is_first_time_user,
        score,
        is_help_due,
        rule_version,
        is_live,
        live_score,
        source,
        {{ is_demo() }} as is_demo
    from scored
)

-- depends_on: {{ ref('int_users__due') }}
select * from final
