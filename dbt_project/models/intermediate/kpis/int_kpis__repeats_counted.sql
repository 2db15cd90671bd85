with incidences as (
    select
        {{ week_start_date('created_date') }} as date,
        is_demo,
        source,
        stage,
        channel,
        event_type,
        order_band,
        language,
        tier,
        issue_category,
        count(*) as incidence_count
    from {{ ref('int_incidences__counted') }}
    where issue_category != 'UNCLASSIFIED'
    group by all
),

realm as (
    select * from {{ ref('int_realm__chosen') }}
),

segmented as (
    {{ segmented('incidences', ['date', 'issue_category', 'incidence_count']) }}
),

categories as (
    select
        date,
        segment,
        issue_category,
        sum(incidence_count) as incidence_count
    from segmented
    group by all
),

final as (
    select
        'repeat_issue_count' as metric,
        'WEEK' as period,
        date,
        segment,
        cast(count(*) filter (where incidence_count > 3) as decimal(28, 3)) as numerator,
        cast(count(*) as decimal(28, 3)) as denominator
    from categories
    group by all
)

select * from final
