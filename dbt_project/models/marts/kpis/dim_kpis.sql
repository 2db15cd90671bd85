with catalogue as (
    select * from {{ ref('kpi_catalogue') }}
),

final as (
    select
        position,
        metric,
        label,
        unit,
        direction,
        target,
        owner,
        definition,
        definition_version,
        valid_from,
        is_additive,
        attribution_days,
        is_order_based,
        dimensions,
        numerator_label,
        denominator_label
    from catalogue
)

select * from final
