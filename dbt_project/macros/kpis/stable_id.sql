{# An id in the form of a UUID, version 5, that is the same for the same parts in every build. #}
{% macro stable_id(parts) -%}
regexp_replace(
            md5(concat_ws('/', {{ parts | join(', ') }})),
            '^(.{8})(.{4}).(.{3}).(.{3})(.{12})$',
            '\1-\2-5\3-a\4-\5'
        )
{%- endmacro %}
