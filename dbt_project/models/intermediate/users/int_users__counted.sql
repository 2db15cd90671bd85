{{ config(materialized='table') }}

{#- Every row of schema raw that a mart computes from, by the user it concerns. -#}
{%- set by_user = [
    'stg_ops__users', 'stg_ops__orders', 'stg_ops__context_updates', 'stg_ops__friction_signals',
    'stg_ops__friction_scores', 'stg_files__users', 'stg_files__orders', 'stg_files__signals'
] -%}
{%- set by_incidence = ['stg_ops__incidence_timeline', 'stg_ops__escalation_log', 'stg_ops__order_change_requests'] -%}

with incidences as (
    select incidence_id, user_id, merged_into, _extract_no from {{ ref('stg_ops__incidences') }}
    union all
    select incidence_id, user_id, null, _extract_no from {{ ref('stg_files__incidences') }}
),

-- A merged incidence also concerns the user of the one that took it over.
concerned as (
    select incidence_id, user_id, _extract_no from incidences
    union all
    select merged.incidence_id, target.user_id, greatest(merged._extract_no, target._extract_no) as _extract_no
    from incidences as merged
    inner join incidences as target on merged.merged_into = target.incidence_id
),

incidence_users as (
    select distinct incidence_id, user_id from concerned
),

facts as (
    select user_id, _extract_no from concerned
    {%- for model in by_user %}
    union all
    select user_id, _extract_no from {{ ref(model) }}
    {%- endfor %}
    {%- for model in by_incidence %}
    union all
    select incidence_users.user_id, changed._extract_no
    from {{ ref(model) }} as changed
    inner join incidence_users on changed.incidence_id = incidence_users.incidence_id
    {%- endfor %}
    union all
    select incidence_users.user_id, changed._extract_no
    from {{ ref('stg_files__incidence_events') }} as changed
    inner join incidence_users on changed.incidence_id = incidence_users.incidence_id
),

-- What every user's numbers depend on. By content, for these are extracted whole.
conditions as (
    select bit_xor(hash(facts)) as conditions_hash
    from (
        select {{ "hash('rule', version, code, kind, threshold, weight)" }} as facts
        from {{ ref('stg_ops__friction_rules') }}
        union all
        select hash('version', rule_set, version, valid_from) from {{ ref('stg_ops__rule_versions') }}
        where rule_set in ('FRICTION', 'SCREEN')
        union all
        select hash('screen', version, code, flow) from {{ ref('stg_ops__screens') }}
        union all
        select hash('cost', channel, contact_cost_paise, minute_cost_paise, concurrency, valid_from)
        from {{ ref('cx_costs') }}
    )
),

-- A row that comes or is replaced has a higher number than all before it, and a row that goes lowers the count: two
-- different states of a user never have both figures equal.
final as (
    select
        facts.user_id,
        count(*) as row_count,
        sum(facts._extract_no) as extract_no_sum,
        any_value(coalesce(conditions.conditions_hash, 0)) as conditions_hash
    from facts
    cross join conditions
    where facts.user_id is not null
    group by facts.user_id
)

select * from final
