with events as (
    select * from {{ ref('stg_ops__webhook_events') }}
),

messages as (
    select * from {{ ref('stg_ops__outbox') }}
),

final as (
    select
        platform,
        'IN' as direction,
        received_at as happened_at,
        1 + duplicate_count as delivery_count,
        attempts,
        state = 'APPLIED' as is_done,
        state = 'IGNORED' as is_ignored,
        state = 'DEAD' as is_failed,
        {{ seconds_between('occurred_at', 'received_at') }} as arrival_seconds,
        case when state = 'APPLIED' then {{ seconds_between('received_at', 'processed_at') }} end as handling_seconds,
        source
    from events
    union all
    select
        destination as platform,
        'OUT' as direction,
        created_at as happened_at,
        1 as delivery_count,
        attempts,
        state = 'SENT' as is_done,
        false as is_ignored,
        state in ('DEAD', 'EXPIRED') as is_failed,
        cast(null as double) as arrival_seconds,
        case when state = 'SENT' then {{ seconds_between('created_at', 'sent_at') }} end as handling_seconds,
        source
    from messages
)

select * from final
