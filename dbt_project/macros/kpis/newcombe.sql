{# Wilson's score limits of a share of successes at 95 %. sign is '-' for the lower limit, '+' for the upper. #}
{% macro wilson_limit(successes, total, sign) -%}
(
        2.0 * {{ successes }} + pow(1.959963984540054, 2)
        {{ sign }} 1.959963984540054
        * sqrt(pow(1.959963984540054, 2) + 4.0 * {{ successes }} * ({{ total }} - {{ successes }}) / {{ total }})
    ) / (2.0 * ({{ total }} + pow(1.959963984540054, 2)))
{%- endmacro %}


{# Newcombe (1998), method 10: the limit of a difference of two shares, from the distances to their Wilson limits. #}
{% macro newcombe_lower(first_rate, first_low, second_rate, second_high) -%}
({{ first_rate }} - {{ second_rate }})
        - sqrt(pow({{ first_rate }} - {{ first_low }}, 2) + pow({{ second_high }} - {{ second_rate }}, 2))
{%- endmacro %}


{% macro newcombe_upper(first_rate, first_high, second_rate, second_low) -%}
({{ first_rate }} - {{ second_rate }})
        + sqrt(pow({{ first_high }} - {{ first_rate }}, 2) + pow({{ second_rate }} - {{ second_low }}, 2))
{%- endmacro %}
