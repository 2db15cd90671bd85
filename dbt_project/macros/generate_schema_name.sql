{% macro generate_schema_name(custom_schema_name, node) -%}
    {#- Schemas are called staging, intermediate, marts and seeds; dbt's own macro would call them main_staging ... -#}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}
