with prompts as (
    select * from {{ ref('stg_ops__prompts') }}
),

final as (
    select
        prompt_id,
        user_id,
        session_id,
        incidence_id,
        rule_set,
        rule_code,
        rule_version,
        coalesce(screen, 'UNKNOWN') as screen,
        score,
        status,
        is_holdout,
        due_at,
        {{ ist_date('due_at') }} as due_date,
        shown_at,
        accepted_at,
        dismissed_at,
        expired_at,
        source,
        {{ is_demo() }} as is_demo
    from prompts
)

select * from final
