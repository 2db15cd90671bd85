{# The first days of the DAY, WEEK and MONTH that a date lies in, as rows to unnest. #}
{% macro each_period(date) -%}
unnest([
            {'period': 'DAY', 'date': {{ date }}},
            {'period': 'WEEK', 'date': {{ week_start_date(date) }}},
            {'period': 'MONTH', 'date': cast(date_trunc('month', {{ date }}) as date)}
        ])
{%- endmacro %}
