with incidences as (
    select * from {{ ref('int_incidences__counted') }}
    where was_open
),

sessions as (
    select * from {{ ref('fct_sessions') }}
    where reached_checkout
),

numerators as (
    select
        'contact_rate_per_checkout_session' as metric,
        created_date as date,
        is_demo,
        source,
        {{ kpi_dimensions(['language', 'tier']) }},
        cast(count(*) as decimal(28, 3)) as numerator,
        cast(0 as decimal(28, 3)) as denominator
    from incidences
    group by all
),

denominators as (
    select
        'contact_rate_per_checkout_session' as metric,
        started_date as date,
        is_demo,
        source,
        {{ kpi_dimensions(['language', 'tier']) }},
        cast(0 as decimal(28, 3)) as numerator,
        cast(count(*) as decimal(28, 3)) as denominator
    from sessions
    group by all
),

final as (
    select * from numerators
    union all
    select * from denominators
)

select * from final
