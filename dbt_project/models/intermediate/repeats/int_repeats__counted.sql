with incidences as (
    select
        created_date,
        is_demo,
        issue_category,
        user_id,
        count(*) as incidence_count,
        count(*) filter (where not is_closed or outcome = 'DROPPED') as open_or_dropped_count
    from {{ ref('int_incidences__counted') }}
    where issue_category != 'UNCLASSIFIED'
    group by all
),

periods as (
    select * from {{ ref('int_periods__listed') }}
),

final as (
    select
        periods.period,
        periods.period_start_date,
        periods.period_end_date,
        if(grouping(incidences.user_id) = 1, 'CATEGORY', 'USER') as scope,
        incidences.issue_category,
        incidences.user_id,
        sum(incidences.incidence_count) as incidence_count,
        sum(incidences.open_or_dropped_count) as open_or_dropped_count,
        incidences.is_demo
    from periods
    inner join incidences
        on incidences.created_date between periods.period_start_date and periods.period_end_date
    group by
        grouping sets (
            (
                periods.period,
                periods.period_start_date,
                periods.period_end_date,
                incidences.is_demo,
                incidences.issue_category
            ),
            (
                periods.period,
                periods.period_start_date,
                periods.period_end_date,
                incidences.is_demo,
                incidences.issue_category,
                incidences.user_id
            )
        )
    having sum(incidences.incidence_count) > 3
)

select * from final
