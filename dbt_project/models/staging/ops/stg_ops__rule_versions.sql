with source as (
    select * from {{ source('raw', 'rule_versions') }}
),

final as (
    select
        rule_set,
        version,
        valid_from,
        _extract_no
    from source
)

select * from final
