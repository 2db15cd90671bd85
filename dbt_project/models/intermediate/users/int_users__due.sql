{{ config(materialized='table') }}

{#- What the marts of this file were last built from; there is none in a new file. Not a ref: it is written last. -#}
{%- set built = adapter.get_relation(this.database, this.schema, 'int_users__built') if execute -%}
{%- set is_whole = flags.FULL_REFRESH or not built -%}

with counted as (
    select * from {{ ref('int_users__counted') }}
),

build as (
    select is_full_refresh from {{ ref('stg_warehouse__build') }}
),

-- Nothing, when there is no base or it does not count.
built as (
    select * from {{ ref('int_users__counted') if is_whole else built }}
    where not {{ is_whole }} and not (select bool_or(build.is_full_refresh) from build)
),

-- A user who is in one of the two only is new, or gone.
final as (
    select coalesce(counted.user_id, built.user_id) as user_id
    from counted
    full outer join built on counted.user_id = built.user_id
    where
        (counted.row_count, counted.extract_no_sum, counted.last_extract_no, counted.conditions_hash)
        is distinct from
        (built.row_count, built.extract_no_sum, built.last_extract_no, built.conditions_hash)
)

select * from final
