with cube as (
    select * from {{ ref('fct_kpis') }}
),

catalogue as (
    select * from {{ ref('dim_kpis') }}
),

realm as (
    select * from {{ ref('int_realm__chosen') }}
),

build as (
    select * from {{ ref('stg_warehouse__build') }}
),

segmented as (
    {{ segmented('cube', ['metric', 'date', 'numerator', 'denominator']) }}
),

-- A metric is cut only by what both sides of its ratio have.
summed_by_day as (
    select
        segmented.metric,
        segmented.segment,
        segmented.date,
        sum(segmented.numerator) as numerator,
        sum(segmented.denominator) as denominator
    from segmented
    inner join catalogue on segmented.metric = catalogue.metric
    where
        segmented.dimension = 'ALL'
        or list_contains(string_split(catalogue.dimensions, ','), segmented.dimension)
    group by all
),

-- ALL has every day from the metric's first to the day the data ends, so that an empty period is a row without a value.
calendar as (
    select
        summed_by_day.metric,
        'ALL' as segment,
        cast(unnest(generate_series(
            cast(min(summed_by_day.date) as timestamp),
            cast(
                greatest(max(summed_by_day.date), {{ ist_date('max(build.as_of)') }}) as timestamp
            ),
            interval 1 day
        )) as date) as date,
        cast(0 as decimal(28, 3)) as numerator,
        cast(0 as decimal(28, 3)) as denominator
    from summed_by_day
    cross join build
    where summed_by_day.segment = 'ALL'
    group by summed_by_day.metric
),

days as (
    select * from summed_by_day
    union all by name
    select * from calendar
),

periods as (
    select
        metric,
        segment,
        numerator,
        denominator,
        {{ each_period('date') }} as period_of
    from days
),

final as (
    select
        metric,
        struct_extract(period_of, 'period') as period,
        struct_extract(period_of, 'date') as date,
        segment,
        cast(sum(numerator) as decimal(28, 3)) as numerator,
        cast(sum(denominator) as decimal(28, 3)) as denominator
    from periods
    group by all
)

select * from final
