{% test gapless_sequence(model, column_name, partition_by) %}
{#- Within each partition the column counts 1, 2, 3 ... -#}
select {{ partition_by }}
from {{ model }}
group by {{ partition_by }}
having min({{ column_name }}) <> 1 or max({{ column_name }}) <> count(*) or count(distinct {{ column_name }}) <> count(*)
{% endtest %}
