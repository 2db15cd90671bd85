with source as (
    select * from {{ source('raw', 'prompts') }}
),

final as (
    select
        prompt_id,
        user_id,
        session_id,
        incidence_id,
        score_id,
        rule_set,
        rule_code,
        rule_version,
        screen,
        score,
        status,
        is_holdout,
        due_at,
        shown_at,
        accepted_at,
        dismissed_at,
        expired_at,
        source,
        _extract_no
    from source
)

select * from final
