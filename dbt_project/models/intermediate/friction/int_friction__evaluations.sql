with states as (
    select * from {{ ref('int_friction__states') }}
),

live_scores as (
    select * from {{ ref('stg_ops__friction_scores') }}
    {{ where_user_is_due() }}
),

scored_sessions as (
    select distinct
        user_id,
        session_id
    from live_scores
),

scored_states as (
    select states.* from states
    semi join scored_sessions
        on states.user_id = scored_sessions.user_id and states.session_id = scored_sessions.session_id
    where states.seq is not null
),

-- A live evaluation saw the session as of its last event up to after_seq.
live as (
    select
        live_scores.score_id,
        live_scores.user_id,
        live_scores.session_id,
        live_scores.after_seq,
        live_scores.evaluated_at,
        scored_states.activity_at,
        scored_states.heartbeat_at,
        scored_states.away_at,
        scored_states.flow,
        coalesce(scored_states.back_navigation_count, 0) as back_navigation_count,
        coalesce(scored_states.price_check_count, 0) as price_check_count,
        true as is_live,
        live_scores.score as live_score,
        live_scores.source
    from live_scores
    asof left join scored_states
        on
            live_scores.user_id = scored_states.user_id
            and live_scores.session_id = scored_states.session_id
            and live_scores.after_seq >= scored_states.seq
),

-- A session that was never scored live is scored at each event. Its inactivity is that of the moment just before the
-- event, for the event itself ends it.
replayed as (
    select
        states.event_id as score_id,
        states.user_id,
        states.session_id,
        -- Before every cart and profile: an imported event has no place among them. DuckDB's ASOF join may match a null.
        coalesce(states.seq, -1) as after_seq,
        states.recorded_at as evaluated_at,
        states.earlier_activity_at as activity_at,
        states.earlier_heartbeat_at as heartbeat_at,
        states.earlier_away_at as away_at,
        states.earlier_flow as flow,
        states.back_navigation_count,
        states.price_check_count,
        false as is_live,
        cast(null as bigint) as live_score,
        states.source
    from states
    anti join scored_sessions
        on states.user_id = scored_sessions.user_id and states.session_id = scored_sessions.session_id
),

final as (
    select * from live
    union all
    select * from replayed
)

select * from final
