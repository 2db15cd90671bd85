{# The crossed dimensions of a KPI's rows. A dimension the metric cannot be cut by is 'NONE' in every row of it, so that a
   filter on it finds nothing instead of half a ratio; within a dimension that it has, 'NONE' is "not known". #}
{% macro kpi_dimensions(applicable) %}
{%- for dimension in ['stage', 'channel', 'event_type', 'order_band', 'language', 'tier'] %}
        {% if dimension in applicable %}coalesce({{ dimension }}, 'NONE'){% else %}'NONE'{% endif %} as {{ dimension }}
        {%- if not loop.last %},{% endif %}
{%- endfor %}
{%- endmacro %}
