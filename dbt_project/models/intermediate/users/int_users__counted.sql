{{ config(materialized='table') }}

{#- Every row of schema raw that a mart computes from, by the user it concerns. -#}
{%- set by_user = [
    'stg_ops__users', 'stg_ops__context_updates', 'stg_ops__friction_signals', 'stg_ops__friction_scores',
    'stg_files__users', 'stg_files__signals', 'int_orders__unioned', 'int_incidences__unioned'
] -%}
{%- set by_incidence = [
    'stg_ops__incidence_timeline', 'stg_ops__escalation_log', 'stg_ops__order_change_requests',
    'stg_files__incidence_events'
] -%}

with incidences as (
    select
        incidence_id,
        user_id
    from {{ ref('int_incidences__unioned') }}
),

roots as (
    select
        incidence_id,
        user_id
    from {{ ref('int_incidences__roots') }}
),

-- A merged incidence also concerns the user of the one that took it over.
incidence_users as (
    select * from incidences
    union
    select * from roots
),

facts as (
    {%- for model in by_user %}
        select
            user_id,
            _extract_no
        from {{ ref(model) }}
        union all
    {%- endfor %}
    {%- for model in by_incidence %}
        select
            incidence_users.user_id,
            changed._extract_no
        from {{ ref(model) }} as changed
        inner join incidence_users on changed.incidence_id = incidence_users.incidence_id
        union all
    {%- endfor %}
    -- What happened in a merged incidence moves to the one that took it over, which may come later than it.
    select
        merged.user_id,
        taking._extract_no
    from {{ ref('int_incidences__roots') }} as roots
    inner join incidences as merged on roots.incidence_id = merged.incidence_id
    inner join {{ ref('int_incidences__unioned') }} as taking on roots.root_incidence_id = taking.incidence_id
    where roots.incidence_id != roots.root_incidence_id
    union all
    -- A discount also concerns the user of its order, who may not be that of the incidence.
    select
        orders.user_id,
        changed._extract_no
    from {{ ref('stg_ops__order_change_requests') }} as changed
    inner join {{ ref('int_orders__unioned') }} as orders on changed.order_id = orders.order_id
),

-- What every user's numbers depend on. By content, for these are extracted whole.
conditions as (
    select hash('rule', version, kind, code, threshold, weight) as condition_hash
    from {{ ref('stg_ops__friction_rules') }}
    union all
    select hash('version', rule_set, version, valid_from) as condition_hash
    from {{ ref('stg_ops__rule_versions') }}
    where rule_set in ('FRICTION', 'SCREEN', 'OFFICE_HOURS')
    union all
    select hash('screen', version, code, flow) as condition_hash
    from {{ ref('stg_ops__screens') }}
    union all
    select hash('office hours', version, weekday, opens, closes) as condition_hash
    from {{ ref('stg_ops__office_hours') }}
    union all
    select hash('holiday', version, holiday_date) as condition_hash
    from {{ ref('stg_ops__holidays') }}
    union all
    select hash('cost', channel, contact_cost_paise, minute_cost_paise, concurrency, valid_from) as condition_hash
    from {{ ref('cx_costs') }}
),

hashed as (
    select coalesce(bit_xor(condition_hash), 0) as conditions_hash from conditions
),

-- A row that comes or is replaced has a higher number than all before it, and a row that goes lowers the count: two
-- different states of a user do not have the same figures.
final as (
    select
        facts.user_id,
        count(*) as row_count,
        sum(facts._extract_no) as extract_no_sum,
        max(facts._extract_no) as last_extract_no,
        any_value(hashed.conditions_hash) as conditions_hash
    from facts
    cross join hashed
    where facts.user_id is not null
    group by facts.user_id
)

select * from final
