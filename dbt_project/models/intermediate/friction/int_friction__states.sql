with events as (
    select * from {{ ref('int_context__events') }}
),

-- A profile is the backend's doing, no sign of the user.
classified as (
    select
        event_id,
        event_no,
        seq,
        user_id,
        session_id,
        recorded_at,
        source,
        entered_flow,
        is_back_navigation and entered_flow is not null as is_back_on_flow,
        kind = 'SIGNAL' and signal_type = 'PRICE_CALCULATION' as is_price_check,
        case when kind = 'SIGNAL' and signal_type = 'HEARTBEAT' then recorded_at end as heartbeat_at,
        case
            when kind = 'PROFILE' or (kind = 'SIGNAL' and signal_type in ('HEARTBEAT', 'APP_BACKGROUND')) then null
            else recorded_at
        end as activity_at,
        -- Set when the user leaves, infinity when anything else shows that the user is there.
        case
            when kind = 'PROFILE' then null
            when kind = 'SIGNAL' and signal_type = 'APP_BACKGROUND' then recorded_at
            else timestamp 'infinity'
        end as away_at
    from events
),

-- One pass: what was known just before each event.
tracked as (
    select
        *,
        last_value(activity_at ignore nulls) over earlier as earlier_activity_at,
        last_value(heartbeat_at ignore nulls) over earlier as earlier_heartbeat_at,
        last_value(away_at ignore nulls) over earlier as earlier_away_at,
        last_value(entered_flow ignore nulls) over earlier as earlier_flow,
        count(*) filter (where is_price_check) over so_far as price_check_count,
        count(*) filter (where is_back_on_flow) over so_far as session_back_count
    from classified
    window
        earlier as (
            partition by user_id, session_id order by event_no rows between unbounded preceding and 1 preceding
        ),
        so_far as (
            partition by user_id, session_id order by event_no rows between unbounded preceding and current row
        )
),

-- A screen of another flow starts the count anew; it is the first screen of its flow, no way back on it.
entered as (
    select
        *,
        case when entered_flow != coalesce(earlier_flow, '') then session_back_count end
            as back_count_at_entry
    from tracked
),

final as (
    select
        event_id,
        event_no,
        seq,
        user_id,
        session_id,
        recorded_at,
        source,
        earlier_activity_at,
        earlier_heartbeat_at,
        earlier_away_at,
        earlier_flow,
        coalesce(activity_at, earlier_activity_at) as activity_at,
        coalesce(heartbeat_at, earlier_heartbeat_at) as heartbeat_at,
        coalesce(away_at, earlier_away_at) as away_at,
        coalesce(entered_flow, earlier_flow) as flow,
        price_check_count,
        -- The running total never falls, so its highest value at an entry is the latest.
        session_back_count - coalesce(max(back_count_at_entry) over so_far, 0) as back_navigation_count
    from entered
    window
        so_far as (
            partition by user_id, session_id order by event_no rows between unbounded preceding and current row
        )
)

select * from final
