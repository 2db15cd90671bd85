with incidences as (
    select * from {{ ref('fct_incidences') }}
),

final as (
    select
        is_demo,
        created_date,
        issue_category,
        coalesce(app_screen, 'UNKNOWN') as app_screen,
        count(*) as incidence_count,
        sum(cx_cost_paise) as cx_cost_paise,
        sum(discount_paise) as discount_paise,
        coalesce(sum(lost_value_paise) filter (where order_impact = 'LOST'), 0) as lost_value_paise
    from incidences
    group by all
)

select * from final
