{% test not_in_future(model, column_name, tolerance_minutes=5) %}
{#- No fact lies after the instant the data is as of. -#}
select model.{{ column_name }}
from {{ model }} as model
cross join {{ ref('stg_warehouse__build') }} as build
where model.{{ column_name }} > build.as_of + interval {{ tolerance_minutes }} minute
{% endtest %}
