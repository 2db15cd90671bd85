with live as (
    select * from {{ ref('stg_ops__orders') }}
),

files as (
    select * from {{ ref('stg_files__orders') }}
),

-- The operational store has the order's latest state, also of those that a file brought.
only_in_files as (
    select files.* from files
    anti join live as same_order on files.order_id = same_order.order_id
    anti join live as same_row on files.source = same_row.source and files.source_id = same_row.source_id
    qualify row_number() over (partition by order_id order by _extract_no desc, source asc, source_id asc) = 1
),

unioned as (
    select
        order_id,
        user_id,
        status,
        event_type,
        event_date,
        guest_count,
        value_paise,
        placed_at,
        recorded_at,
        cancelled_at,
        source,
        source_id,
        _extract_no
    from live
    union all
    select
        order_id,
        user_id,
        status,
        event_type,
        event_date,
        guest_count,
        value_paise,
        placed_at,
        placed_at as recorded_at,
        cancelled_at,
        source,
        source_id,
        _extract_no
    from only_in_files
),

final as (
    select
        * exclude (status),
        coalesce(status, 'PLACED') as status,
        coalesce(status = 'CANCELLED', false) or cancelled_at is not null as is_cancelled
    from unioned
)

select * from final
