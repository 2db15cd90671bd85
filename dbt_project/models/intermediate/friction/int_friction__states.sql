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
        is_back_navigation,
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

-- The few events that show a flow are counted by themselves: sorting the whole log a second time is what costs.
screens as (
    select
        *,
        lag(entered_flow, 1, '') over so_far != entered_flow as is_entry,
        count(*) filter (where is_back_navigation) over so_far as session_back_count
    from classified
    where entered_flow is not null
    window so_far as (partition by user_id, session_id order by event_no)
),

-- A screen of another flow starts the count anew; it is the first screen of its flow, no way back on it. The running
-- total never falls, so its highest value at an entry is the latest.
counted_screens as (
    select
        * exclude (is_entry, session_back_count),
        session_back_count - max(case when is_entry then session_back_count end) over so_far as back_count
    from screens
    window so_far as (partition by user_id, session_id order by event_no)
),

counted as (
    select * from counted_screens
    union all
    select
        *,
        cast(null as bigint) as back_count
    from classified
    where entered_flow is null
),

-- One pass over the log: what was known just before each event.
tracked as (
    select
        *,
        last_value(activity_at ignore nulls) over earlier as earlier_activity_at,
        last_value(heartbeat_at ignore nulls) over earlier as earlier_heartbeat_at,
        last_value(away_at ignore nulls) over earlier as earlier_away_at,
        last_value(entered_flow ignore nulls) over earlier as earlier_flow,
        last_value(back_count ignore nulls) over earlier as earlier_back_count,
        count(*) filter (where is_price_check) over earlier as earlier_price_check_count
    from counted
    window earlier as (
        partition by user_id, session_id order by event_no rows between unbounded preceding and 1 preceding
    )
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
        earlier_price_check_count + cast(is_price_check as bigint) as price_check_count,
        coalesce(back_count, earlier_back_count, 0) as back_navigation_count
    from tracked
)

select * from final
