{# A ratio whose sides are different facts: the rows of each add to their own side, on their own day. #}
{% macro two_sides(numerator, numerator_date, amount, denominator, denominator_date, dimensions) -%}
    select
        {{ numerator_date }} as date,
        is_demo,
        source,
        {{ kpi_dimensions(dimensions) }},
        cast({{ amount }} as decimal(28, 3)) as numerator,
        cast(0 as decimal(28, 3)) as denominator
    from {{ numerator }}
    group by all
    union all
    select
        {{ denominator_date }} as date,
        is_demo,
        source,
        {{ kpi_dimensions(dimensions) }},
        cast(0 as decimal(28, 3)) as numerator,
        cast(count(*) as decimal(28, 3)) as denominator
    from {{ denominator }}
    group by all
{%- endmacro %}
