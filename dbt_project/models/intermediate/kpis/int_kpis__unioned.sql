-- A new additive KPI is one line here, beside its row in the catalogue and its model.
with final as (
    select * from {{ ref('int_kpis__self_serve_conversion_rate') }}
    union all by name
    select * from {{ ref('int_kpis__self_serve_conversion_rate_1_day') }}
    union all by name
    select * from {{ ref('int_kpis__self_serve_conversion_rate_7_days') }}
    union all by name
    select * from {{ ref('int_kpis__assisted_conversion_rate') }}
    union all by name
    select * from {{ ref('int_kpis__time_to_resolve') }}
    union all by name
    select * from {{ ref('int_kpis__time_to_resolve_under_10_minutes_rate') }}
    union all by name
    select * from {{ ref('int_kpis__cost_per_assisted_order') }}
    union all by name
    select * from {{ ref('int_kpis__post_order_cost_per_order') }}
    union all by name
    select * from {{ ref('int_kpis__contact_rate') }}
    union all by name
    select * from {{ ref('int_kpis__contact_rate_per_checkout_session') }}
    union all by name
    select * from {{ ref('int_kpis__friction_rate') }}
    union all by name
    select * from {{ ref('int_kpis__escalation_rate') }}
    union all by name
    select * from {{ ref('int_kpis__reopen_rate') }}
    union all by name
    select * from {{ ref('int_kpis__blocked_action_rate') }}
)

select * from final
