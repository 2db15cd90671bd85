with incidences as (
    select * from {{ ref('int_incidences__counted') }}
),

final as (
    select
        is_demo,
        created_date,
        issue_category,
        app_screen,
        count(*) as incidence_count,
        sum(cx_cost_paise) as cx_cost_paise,
        sum(discount_paise) as discount_paise,
        sum(lost_value_paise) as lost_value_paise
    from incidences
    group by all
)

select * from final
