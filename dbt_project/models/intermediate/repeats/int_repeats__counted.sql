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

users as (
    select
        periods.period,
        periods.period_start_date,
        periods.period_end_date,
        'USER' as scope,
        incidences.issue_category,
        incidences.user_id,
        sum(incidences.incidence_count) as incidence_count,
        sum(incidences.open_or_dropped_count) as open_or_dropped_count,
        incidences.is_demo
    from periods
    inner join incidences
        on incidences.created_date between periods.period_start_date and periods.period_end_date
    group by all
),

categories as (
    select
        period,
        period_start_date,
        period_end_date,
        'CATEGORY' as scope,
        issue_category,
        cast(null as varchar) as user_id,
        sum(incidence_count) as incidence_count,
        sum(open_or_dropped_count) as open_or_dropped_count,
        is_demo
    from users
    group by all
),

counted as (
    select * from users
    union all
    select * from categories
),

final as (
    select * from counted
    where incidence_count > 3
)

select * from final
