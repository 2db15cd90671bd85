{% macro ist(at) -%}
    {#- Indian time of a UTC timestamp: 5 h 30 min ahead, without summer time since 1945. -#}
    {{ at }} + interval 330 minute
{%- endmacro %}

{% macro ist_date(at) -%}
    cast({{ ist(at) }} as date)
{%- endmacro %}

{% macro week_start_date(date) -%}
    {#- The Monday of the date's week. -#}
    cast(date_trunc('week', {{ date }}) as date)
{%- endmacro %}

{% macro iso_week(date) -%}
    {#- '2026-W47': the ISO year and week of a date. -#}
    strftime({{ date }}, '%G-W%V')
{%- endmacro %}

{% macro ist_midnight(date) -%}
    {#- The UTC instant at which an Indian day begins. -#}
    cast({{ date }} as timestamp) - interval 330 minute
{%- endmacro %}
