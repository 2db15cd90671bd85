with raw_orders as (
    select
        order_id,
        _extract_no
    from {{ ref('stg_ops__orders') }}
    union all
    select
        order_id,
        _extract_no
    from {{ ref('stg_files__orders') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
    where is_cancelled
),

extracts as (
    select * from {{ ref('stg_warehouse__extracts') }}
),

previous_versions as (
    select * from {{ ref('stg_warehouse__previous_published_versions') }}
),

-- What the version before had read.
previous_extract as (
    select max(extracts.extract_no) as extract_no
    from extracts
    where extracts.as_of <= (select max(previous_versions.as_of) from previous_versions)
),

final as (
    select distinct
        orders.placed_date,
        orders.is_demo
    from orders
    inner join raw_orders on orders.order_id = raw_orders.order_id
    cross join previous_extract
    where raw_orders._extract_no > previous_extract.extract_no
)

select * from final
