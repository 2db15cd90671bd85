with repeats as (
    select * from {{ ref('int_repeats__counted') }}
),

final as (
    select
        period,
        period_start_date,
        period_end_date,
        scope,
        issue_category,
        user_id,
        cast(incidence_count as bigint) as incidence_count,
        cast(open_or_dropped_count as bigint) as open_or_dropped_count,
        open_or_dropped_count > 0 as is_unresolved,
        is_demo
    from repeats
)

select * from final
