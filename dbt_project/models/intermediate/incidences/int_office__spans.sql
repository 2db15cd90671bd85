with versions as (
    {{ versions_in_force('OFFICE_HOURS') }}
),

office_hours as (
    select * from {{ ref('stg_ops__office_hours') }}
    where closes > opens
),

holidays as (
    select * from {{ ref('stg_ops__holidays') }}
),

first_and_last as (
    select
        min(occurred_at) as first_at,
        max(occurred_at) as last_at
    from {{ ref('fct_incidence_events') }}
    union all
    select
        min(opened_at) as first_at,
        max(opened_at) as last_at
    from {{ ref('int_incidences__unioned') }}
),

days as (
    select
        cast(unnest(generate_series(
            cast({{ ist_date('min(first_at)') }} as timestamp),
            cast({{ ist_date('max(last_at)') }} as timestamp),
            interval 1 day
        )) as date) as date
    from first_and_last
),

spans as (
    select
        versions.version,
        versions.valid_from,
        versions.valid_to,
        days.date + office_hours.opens - interval 330 minute as opens_at,
        days.date + office_hours.closes - interval 330 minute as closes_at
    from versions
    inner join office_hours on versions.version = office_hours.version
    inner join days on isodow(days.date) - 1 = office_hours.weekday
    anti join holidays on versions.version = holidays.version and days.date = holidays.holiday_date
),

final as (
    select
        *,
        coalesce(
            cast(sum({{ microseconds_between('opens_at', 'closes_at') }}) over (
                partition by version order by opens_at rows between unbounded preceding and 1 preceding
            ) as bigint),
            0
        ) as microseconds_before
    from spans
)

select * from final
