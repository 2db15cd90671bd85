with changed as (
    select * from {{ ref('int_restatements__compared') }}
),

cancellations as (
    select * from {{ ref('int_restatements__cancellations_found') }}
),

build as (
    select * from {{ ref('stg_warehouse__build') }}
),

previous as (
    select * from {{ ref('stg_warehouse__previous_restatements') }}
),

previous_versions as (
    select * from {{ ref('stg_warehouse__previous_published_versions') }}
),

previous_code as (
    select arg_max(code_hash, version) as code_hash
    from previous_versions
),

-- An order counts in the periods of the incidences it may be credited to as well as in its own. prompt_uplift looks back 28
-- days from the end of its week.
found as (
    select
        build.as_of as restated_at,
        build.version,
        changed.metric,
        changed.period,
        changed.date,
        changed.segment,
        changed.old_value,
        changed.new_value,
        case
            when changed.is_new_definition then 'DEFINITION'
            when changed.is_order_based and bool_or(cancellations.placed_date is not null) then 'CANCELLATION'
            when any_value(previous_code.code_hash) != any_value(build.code_hash) then 'CODE'
            else 'LATE_FACT'
        end as cause
    from changed
    cross join build
    cross join previous_code
    left join cancellations
        on
            changed.is_demo = cancellations.is_demo
            and cancellations.placed_date
            between if(changed.metric = 'prompt_uplift', changed.date - 21, changed.date)
            and changed.period_end_date + changed.attribution_days
    group by
        build.as_of,
        build.version,
        changed.metric,
        changed.period,
        changed.date,
        changed.segment,
        changed.old_value,
        changed.new_value,
        changed.is_new_definition,
        changed.is_order_based
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
    from previous
    union all
    select * from found
)

select * from final
