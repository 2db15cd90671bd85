-- Fails if a live score or any of its inputs differs from the one recomputed here.
with live as (
    select * from {{ ref('stg_ops__friction_scores') }}
),

recomputed as (
    select * from {{ ref('fct_friction_scores') }}
    where is_live
)

select
    live.score_id,
    live.evaluated_at,
    live.score as live_score,
    recomputed.score as recomputed_score
from live
left join recomputed on live.score_id = recomputed.score_id
where
    (
        live.user_id,
        live.session_id,
        live.evaluated_at,
        live.inactivity_seconds,
        live.back_navigation_count,
        live.price_check_count,
        live.is_high_value_event,
        live.is_first_time_user,
        live.score,
        live.is_help_due,
        live.rule_version
    )
    is distinct from (
        recomputed.user_id,
        recomputed.session_id,
        recomputed.evaluated_at,
        recomputed.inactivity_seconds,
        recomputed.back_navigation_count,
        recomputed.price_check_count,
        recomputed.is_high_value_event,
        recomputed.is_first_time_user,
        recomputed.score,
        recomputed.is_help_due,
        recomputed.rule_version
    )
