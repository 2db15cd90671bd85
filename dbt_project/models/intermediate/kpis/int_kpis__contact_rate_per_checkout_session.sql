with incidences as (
    select * from {{ ref('int_incidences__counted') }}
    where was_open
),

sessions as (
    select * from {{ ref('fct_sessions') }}
    where reached_checkout
),

sides as (
    {{ two_sides('incidences', 'created_date', 'count(*)', 'sessions', 'started_date', ['language', 'tier']) }}
),

final as (
    select
        'contact_rate_per_checkout_session' as metric,
        *
    from sides
)

select * from final
