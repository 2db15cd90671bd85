with additive as (
    select * from {{ ref('int_kpis__rolled_up') }}
),

percentiles as (
    select * from {{ ref('int_kpis__percentiles_taken') }}
),

repeats as (
    select * from {{ ref('int_kpis__repeats_counted') }}
),

uplift as (
    select * from {{ ref('int_kpis__uplift_listed') }}
),

catalogue as (
    select * from {{ ref('dim_kpis') }}
),

build as (
    select * from {{ ref('stg_warehouse__build') }}
),

previous as (
    select * from {{ ref('stg_warehouse__previous_analytics_daily') }}
),

-- Here, at the end, is where a ratio is divided; an empty period has no value.
figures as (
    select
        metric,
        period,
        date,
        segment,
        cast(numerator as double) / nullif(cast(denominator as double), 0) as value,
        numerator,
        denominator
    from additive
    union all
    select
        metric,
        period,
        date,
        segment,
        value,
        cast(null as decimal(28, 3)) as numerator,
        denominator
    from percentiles
    union all
    select
        metric,
        period,
        date,
        segment,
        cast(numerator as double) as value,
        numerator,
        denominator
    from repeats
    union all
    select
        metric,
        period,
        date,
        segment,
        value,
        cast(null as decimal(28, 3)) as numerator,
        denominator
    from uplift
),

-- Final once the period has ended, its attribution window has closed and 3 days have passed, in Indian days.
computed as (
    select
        figures.date,
        figures.period,
        figures.metric,
        figures.segment,
        figures.value,
        figures.numerator,
        figures.denominator,
        catalogue.definition_version,
        case figures.period
            when 'DAY' then figures.date
            when 'WEEK' then figures.date + 6
            else last_day(figures.date)
        end + catalogue.attribution_days + 3 < {{ ist_date('build.as_of') }} as is_final
    from figures
    inner join catalogue on figures.metric = catalogue.metric
    cross join build
),

-- A new definition is a new series; the old one stays as it last was.
superseded as (
    select
        previous.date,
        previous.period,
        previous.metric,
        previous.segment,
        previous.value,
        previous.numerator,
        previous.denominator,
        previous.definition_version,
        previous.is_final
    from previous
    left join catalogue on previous.metric = catalogue.metric
    where previous.definition_version is distinct from catalogue.definition_version
),

final as (
    select * from computed
    union all
    select * from superseded
)

select * from final
