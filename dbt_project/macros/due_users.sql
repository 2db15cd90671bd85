{% macro forget_due_users() -%}
    {#- Before an incremental mart takes the rows of the users this run computes, it forgets those it has of them. -#}
    {%- if is_incremental() -%}
        delete from {{ this }} where user_id in (select user_id from {{ ref('int_users__due') }})
    {%- endif -%}
{%- endmacro %}

{% macro where_user_is_due(column='user_id') -%}
    where {{ column }} in (select due.user_id from {{ ref('int_users__due') }} as due)
{%- endmacro %}
