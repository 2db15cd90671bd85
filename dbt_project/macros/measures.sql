{% macro order_band(value_paise) -%}
    {#- The routing bands of an order's value; an unknown value counts as under ₹5,000. -#}
    case
        when {{ value_paise }} >= 2500000 then 'FROM_25K'
        when {{ value_paise }} >= 500000 then '5K_TO_25K'
        else 'UNDER_5K'
    end
{%- endmacro %}

{% macro microseconds_between(start_at, end_at) -%}
    epoch_us({{ end_at }}) - epoch_us({{ start_at }})
{%- endmacro %}

{% macro seconds_between(start_at, end_at) -%}
    {#- Seconds with their fraction, as DOUBLE. -#}
    ({{ microseconds_between(start_at, end_at) }}) / 1000000.0::double
{%- endmacro %}

{% macro office_microseconds(span, at) -%}
    {#- Office time up to an instant, from the latest span that had opened by then. -#}
    coalesce({{ span }}.microseconds_before, 0)
    + coalesce({{ microseconds_between(span ~ '.opens_at', 'least(' ~ at ~ ', ' ~ span ~ '.closes_at)') }}, 0)
{%- endmacro %}

{% macro divide_half_up(numerator, denominator) -%}
    {#- Whole-number division of values that are not negative, half rounded up, exact. -#}
    (2 * cast({{ numerator }} as hugeint) + {{ denominator }}) // (2 * cast({{ denominator }} as hugeint))
{%- endmacro %}

{% macro words(list) -%}
    {#- 'A', 'B': a list of words for IN (...). -#}
    {%- for word in list %}'{{ word }}'{{ ", " if not loop.last }}{% endfor -%}
{%- endmacro %}

{% macro is_demo(source_column='source') -%}
    {{ source_column }} = 'demo'
{%- endmacro %}
