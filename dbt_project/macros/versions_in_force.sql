{% macro versions_in_force(rule_set) -%}
    {#- In force at an instant is the highest version whose valid_from is not after it: a version ends where any higher one
        begins, and one that a higher version precedes was never in force. -#}
    select
        version,
        valid_from,
        coalesce(
            min(valid_from) over (order by version rows between 1 following and unbounded following),
            timestamp 'infinity'
        ) as valid_to
    from {{ ref('stg_ops__rule_versions') }}
    where rule_set = '{{ rule_set }}'
    qualify valid_from < valid_to
{%- endmacro %}
