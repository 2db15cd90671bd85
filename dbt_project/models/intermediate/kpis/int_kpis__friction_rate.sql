with sessions as (
    select * from {{ ref('fct_sessions') }}
    where is_visit
),

final as (
    select
        'friction_rate' as metric,
        started_date as date,
        is_demo,
        source,
        {{ kpi_dimensions(['language', 'tier']) }},
        cast(count(*) filter (where is_over_threshold) as decimal(28, 3)) as numerator,
        cast(count(*) as decimal(28, 3)) as denominator
    from sessions
    group by all
)

select * from final
