{# Each row of a relation once per segment it belongs to: 'ALL', then one '<dimension>=<value>' for each dimension.
   ALL and the crossed dimensions keep to the default realm (real sources, or demo while there are no real facts); a source is
   always its own segment, so that demo never mixes with anything. #}
{% macro segmented(relation, columns, realm='realm') %}
{%- for dimension in ['ALL', 'stage', 'channel', 'event_type', 'order_band', 'language', 'tier', 'source'] %}
    select
        {% for column in columns %}{{ relation }}.{{ column }}, {% endfor -%}
        '{{ dimension }}' as dimension,
        {% if dimension == 'ALL' %}'ALL'{% else %}'{{ dimension }}=' || {{ relation }}.{{ dimension }}{% endif %} as segment
    from {{ relation }}
    {%- if dimension != 'source' %}
    inner join {{ realm }} on {{ relation }}.is_demo = {{ realm }}.is_demo
    {%- endif %}
    {% if not loop.last %}union all{% endif %}
{%- endfor %}
{%- endmacro %}
