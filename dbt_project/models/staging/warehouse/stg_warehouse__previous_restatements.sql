with source as (
    select * from {{ source('raw', 'previous_restatements') }}
),

final as (
    select
        restated_at,
        version,
        metric,
        period,
        date,
        segment,
        old_value,
        new_value,
        cause
    from source
)

select * from final
