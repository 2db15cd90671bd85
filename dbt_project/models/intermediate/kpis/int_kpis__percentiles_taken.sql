with incidences as (
    select
        resolved_date,
        is_demo,
        source,
        stage,
        channel,
        event_type,
        order_band,
        language,
        tier,
        time_to_resolve_seconds
    from {{ ref('int_incidences__counted') }}
    where is_closed
),

realm as (
    select * from {{ ref('int_realm__chosen') }}
),

-- The same periods and segments as the average has.
averaged as (
    select * from {{ ref('int_kpis__rolled_up') }}
    where metric = 'time_to_resolve'
),

segmented as (
    {{ segmented('incidences', ['resolved_date', 'time_to_resolve_seconds']) }}
),

periods as (
    select
        segment,
        time_to_resolve_seconds,
        {{ each_period('resolved_date') }} as period_of
    from segmented
),

taken as (
    select
        struct_extract(period_of, 'period') as period,
        struct_extract(period_of, 'date') as date,
        segment,
        quantile_cont(time_to_resolve_seconds, [0.5, 0.9]) as quantiles
    from periods
    group by all
),

final as (
    select
        unnest(['time_to_resolve_p50', 'time_to_resolve_p90']) as metric,
        averaged.period,
        averaged.date,
        averaged.segment,
        unnest(coalesce(taken.quantiles, [null, null])) as value,
        averaged.denominator
    from averaged
    left join taken
        on
            averaged.period = taken.period
            and averaged.date = taken.date
            and averaged.segment = taken.segment
)

select * from final
