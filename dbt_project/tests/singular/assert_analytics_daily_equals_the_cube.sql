-- Fails if a week or month of a source in analytics_daily is not the sum of the cube over its days.
with figures as (
    select figures.*
    from {{ ref('analytics_daily') }} as figures
    inner join {{ ref('dim_kpis') }} as kpis
        on figures.metric = kpis.metric and figures.definition_version = kpis.definition_version
    where kpis.is_additive and figures.segment like 'source=%' and figures.period in ('WEEK', 'MONTH')
),

cube as (
    select
        metric,
        date,
        'source=' || source as segment,
        sum(numerator) as numerator,
        sum(denominator) as denominator
    from {{ ref('fct_kpis') }}
    group by all
)

select
    figures.metric,
    figures.period,
    figures.date,
    figures.segment
from figures
left join cube
    on
        figures.metric = cube.metric
        and figures.segment = cube.segment
        and cube.date between figures.date
        and if(figures.period = 'WEEK', figures.date + 6, last_day(figures.date))
group by all
having
    sum(cube.numerator) is distinct from any_value(figures.numerator)
    or sum(cube.denominator) is distinct from any_value(figures.denominator)
