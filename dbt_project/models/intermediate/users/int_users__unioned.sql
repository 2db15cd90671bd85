with live as (
    select * from {{ ref('stg_ops__users') }}
    {{ where_user_is_due() }}
),

files as (
    select * from {{ ref('stg_files__users') }}
    {{ where_user_is_due() }}
),

unioned as (
    select
        user_id,
        language,
        tier,
        prior_order_count,
        source,
        created_at,
        true as is_live,
        _extract_no
    from live
    union all
    select
        user_id,
        language,
        tier,
        prior_order_count,
        source,
        null as created_at,
        false as is_live,
        _extract_no
    from files
),

-- A live row wins over files, a later file over an earlier one.
final as (
    select
        user_id,
        language,
        tier,
        prior_order_count,
        source,
        created_at
    from unioned
    qualify row_number() over (partition by user_id order by is_live desc, _extract_no desc, source asc) = 1
)

select * from final
