{% test row_condition(model, condition) %}
{#- The condition holds in every row where it is known. -#}
select *
from {{ model }}
where not ({{ condition }})
{% endtest %}
