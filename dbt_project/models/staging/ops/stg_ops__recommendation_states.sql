with source as (
    select * from {{ source('raw', 'recommendation_states') }}
),

final as (
    select
        recommendation_id,
        state,
        changed_at,
        _extract_no
    from source
)

select * from final
