with source as (
    select * from {{ source('raw', 'previous_analytics_daily') }}
),

final as (
    select
        date,
        period,
        metric,
        segment,
        value,
        numerator,
        denominator,
        definition_version,
        is_final,
        coalesce(is_exported, false) as is_exported
    from source
)

select * from final
