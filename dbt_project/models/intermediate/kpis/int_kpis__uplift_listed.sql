with uplift as (
    select * from {{ ref('fct_prompt_uplift') }}
    where "window" = '28_DAYS' and isodow(period_end_date) = 7
),

realm as (
    select * from {{ ref('int_realm__chosen') }}
),

-- Only the app prompts, so its real source is app.
segments as (
    select
        uplift.*,
        'ALL' as segment
    from uplift
    inner join realm on uplift.is_demo = realm.is_demo
    union all
    select
        uplift.*,
        if(uplift.is_demo, 'source=demo', 'source=app') as segment
    from uplift
),

-- A week's figure is that of the 28 days that end with it.
final as (
    select
        'prompt_uplift' as metric,
        'WEEK' as period,
        period_end_date - 6 as date,
        segment,
        uplift as value,
        cast(treated_users + holdout_users as decimal(28, 3)) as denominator
    from segments
)

select * from final
