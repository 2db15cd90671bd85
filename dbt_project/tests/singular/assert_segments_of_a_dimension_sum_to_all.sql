-- Fails if the segments of a dimension do not add up to ALL, for any additive metric and period. Sources add up within their realm.
with figures as (
    select figures.*
    from {{ ref('analytics_daily') }} as figures
    inner join {{ ref('dim_kpis') }} as kpis
        on figures.metric = kpis.metric and figures.definition_version = kpis.definition_version
    where kpis.is_additive
),

realm as (
    select * from {{ ref('data_as_of') }}
),

wholes as (
    select * from figures
    where segment = 'ALL' and denominator + numerator > 0
),

parts as (
    select
        figures.metric,
        figures.period,
        figures.date,
        split_part(figures.segment, '=', 1) as dimension,
        sum(figures.numerator) as numerator,
        sum(figures.denominator) as denominator
    from figures
    cross join realm
    where
        figures.segment != 'ALL'
        and (figures.segment not like 'source=%' or (figures.segment = 'source=demo') = realm.is_demo)
    group by all
),

cuts as (
    select
        metric,
        unnest(string_split(dimensions, ',')) as dimension
    from {{ ref('dim_kpis') }}
    where is_additive
)

select
    wholes.metric,
    wholes.period,
    wholes.date,
    cuts.dimension
from wholes
inner join cuts on wholes.metric = cuts.metric
left join parts
    on
        wholes.metric = parts.metric
        and wholes.period = parts.period
        and wholes.date = parts.date
        and cuts.dimension = parts.dimension
where
    wholes.numerator is distinct from parts.numerator
    or wholes.denominator is distinct from parts.denominator
