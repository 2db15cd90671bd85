{# The crossed dimensions of a KPI's rows. A dimension the metric cannot be cut by is 'NONE' in every row of it, so that a
   filter on it finds nothing instead of half a ratio. #}
{% macro kpi_dimensions(applicable) %}
{%- for dimension in ['stage', 'channel', 'event_type', 'order_band', 'language', 'tier'] %}
        {% if dimension not in applicable %}'NONE' as {% endif %}{{ dimension }}
        {%- if not loop.last %},{% endif %}
{%- endfor %}
{%- endmacro %}
