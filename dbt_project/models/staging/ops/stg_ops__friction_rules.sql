with source as (
    select * from {{ source('raw', 'friction_rules') }}
),

final as (
    select
        version,
        code,
        kind,
        signal_type,
        threshold,
        weight,
        action,
        priority,
        issue_category,
        _extract_no
    from source
)

select * from final
