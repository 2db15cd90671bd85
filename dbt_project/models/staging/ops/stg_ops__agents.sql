with source as (
    select * from {{ source('raw', 'agents') }}
),

final as (
    select
        agent_id,
        from_json(levels, '["VARCHAR"]') as levels,
        open_limit,
        status,
        source,
        created_at,
        updated_at,
        _extract_no
    from source
)

select * from final
