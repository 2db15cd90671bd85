with source as (
    select * from {{ source('raw', 'friction_scores') }}
),

final as (
    select
        score_id,
        user_id,
        session_id,
        after_seq,
        inactivity_seconds,
        back_navigation_count,
        price_check_count,
        is_high_value_event,
        is_first_time_user,
        score,
        is_help_due,
        rule_version,
        evaluated_at,
        source,
        _extract_no
    from source
)

select * from final
