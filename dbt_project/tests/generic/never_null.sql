{% test never_null(model, columns) %}
{#- One scan for all columns that must be filled. -#}
select *
from {{ model }}
where {% for column in columns %}{{ column }} is null{{ " or " if not loop.last }}{% endfor %}
{% endtest %}
