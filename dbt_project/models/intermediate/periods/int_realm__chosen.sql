with incidences as (
    select distinct is_demo from {{ ref('fct_incidences') }}
),

orders as (
    select distinct is_demo from {{ ref('fct_orders') }}
),

sessions as (
    select distinct is_demo from {{ ref('fct_sessions') }}
),

prompts as (
    select distinct is_demo from {{ ref('fct_prompts') }}
),

facts as (
    select is_demo from incidences
    union all
    select is_demo from orders
    union all
    select is_demo from sessions
    union all
    select is_demo from prompts
),

-- One real fact is enough; an empty warehouse is no demo.
final as (
    select coalesce(bool_and(is_demo), false) as is_demo
    from facts
)

select * from final
