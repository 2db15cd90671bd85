with incidences as (
    select * from {{ ref('int_incidences__counted') }}
),

periods as (
    select * from {{ ref('int_periods__listed') }}
),

-- Those that lost most, then those that cost most, then the latest; 20 at most.
final as (
    select
        periods.period,
        incidences.is_demo,
        incidences.issue_category,
        incidences.app_screen,
        arg_max(
            incidences.incidence_id,
            (incidences.lost_value_paise, incidences.cx_cost_paise, incidences.created_at, incidences.incidence_id),
            20
        ) as evidence_incidence_ids
    from periods
    inner join incidences
        on incidences.created_date between periods.period_start_date and periods.period_end_date
    group by all
)

select * from final
