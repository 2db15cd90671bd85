with deliveries as (
    select
        *,
        {{ ist_date('happened_at') }} as date,
        {{ is_demo() }} as is_demo
    from {{ ref('int_deliveries__unioned') }}
),

counted as (
    select
        date,
        platform,
        direction,
        count(*) as message_count,
        cast(sum(delivery_count) as bigint) as delivery_count,
        cast(sum(delivery_count) - count(*) as bigint) as duplicate_count,
        count(*) filter (where is_done) as done_count,
        count(*) filter (where is_ignored) as ignored_count,
        count(*) filter (where is_failed) as failed_count,
        count(*) filter (where not is_done and not is_ignored and not is_failed) as pending_count,
        count(*) filter (where attempts > 1) as retried_count,
        quantile_cont(arrival_seconds, [0.5, 0.9, 0.99]) as arrival,
        quantile_cont(handling_seconds, [0.5, 0.9, 0.99]) as handling,
        is_demo
    from deliveries
    group by all
),

final as (
    select
        date,
        platform,
        direction,
        message_count,
        delivery_count,
        duplicate_count,
        done_count,
        ignored_count,
        failed_count,
        pending_count,
        retried_count,
        arrival[1] as arrival_p50_seconds,
        arrival[2] as arrival_p90_seconds,
        arrival[3] as arrival_p99_seconds,
        handling[1] as handling_p50_seconds,
        handling[2] as handling_p90_seconds,
        handling[3] as handling_p99_seconds,
        is_demo
    from counted
)

select * from final
