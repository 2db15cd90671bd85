with kpis as (
    select * from {{ ref('int_kpis__unioned') }}
),

catalogue as (
    select * from {{ ref('dim_kpis') }}
),

final as (
    select
        kpis.metric,
        kpis.date,
        kpis.is_demo,
        kpis.source,
        kpis.stage,
        kpis.channel,
        kpis.event_type,
        kpis.order_band,
        kpis.language,
        kpis.tier,
        cast(sum(kpis.numerator) as decimal(18, 3)) as numerator,
        cast(sum(kpis.denominator) as decimal(18, 3)) as denominator,
        catalogue.definition_version
    from kpis
    inner join catalogue on kpis.metric = catalogue.metric
    group by all
)

select * from final
