with incidences as (
    select * from {{ ref('int_incidences__counted') }}
),

periods as (
    select * from {{ ref('int_periods__listed') }}
),

-- The ones that cost most, 20 at most.
ranked as (
    select
        periods.period,
        incidences.is_demo,
        incidences.issue_category,
        incidences.app_screen,
        incidences.incidence_id,
        row_number() over (
            partition by
                periods.period,
                incidences.is_demo,
                incidences.issue_category,
                incidences.app_screen
            order by
                incidences.lost_value_paise desc,
                incidences.cx_cost_paise desc,
                incidences.created_at desc,
                incidences.incidence_id asc
        ) as position
    from periods
    inner join incidences
        on incidences.created_date between periods.period_start_date and periods.period_end_date
    qualify position <= 20
),

final as (
    select
        period,
        is_demo,
        issue_category,
        app_screen,
        list(incidence_id order by position) as evidence_incidence_ids
    from ranked
    group by all
)

select * from final
