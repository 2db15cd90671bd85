-- Fails if the cube cuts a metric by a dimension that the catalogue does not give it.
{% set dimensions = ['stage', 'channel', 'event_type', 'order_band', 'language', 'tier'] %}
select
    cube.metric,
    cube.date
from {{ ref('fct_kpis') }} as cube
inner join {{ ref('dim_kpis') }} as kpis on cube.metric = kpis.metric
where
    {%- for dimension in dimensions %}
    (cube.{{ dimension }} != 'NONE' and not list_contains(string_split(kpis.dimensions, ','), '{{ dimension }}'))
    {%- if not loop.last %} or{% endif %}
    {%- endfor %}
