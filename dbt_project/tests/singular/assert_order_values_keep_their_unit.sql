-- Fails if the orders of the newest extract are worth fifty times more or less than all before them: paise taken for rupees, or the
-- other way round. Medians of at least 20 orders on either side; no season moves a median that far.
with orders as (
    select
        value_paise,
        source,
        _extract_no = (select max(_extract_no) from {{ ref('stg_ops__orders') }}) as is_new
    from {{ ref('stg_ops__orders') }}
    where value_paise > 0
),

medians as (
    select
        source,
        median(value_paise) filter (is_new) as new_median,
        median(value_paise) filter (not is_new) as old_median,
        count(*) filter (is_new) as new_count,
        count(*) filter (not is_new) as old_count
    from orders
    group by source
)

select * from medians
where
    new_count >= 20 and old_count >= 20
    and (new_median > 50 * old_median or 50 * new_median < old_median)
