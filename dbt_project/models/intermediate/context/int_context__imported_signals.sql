with signals as (
    select * from {{ ref('stg_files__signals') }}
    {{ where_user_is_due() }}
),

-- Signals of one instant stand as their file had them.
numbered as (
    select
        *,
        row_number() over user_log as event_no,
        recorded_at - lag(recorded_at) over user_log as silence
    from signals
    window user_log as (partition by source, user_id order by recorded_at, _extract_no, _line, source_id)
),

-- A file without sessions: a session is cut after 30 minutes of silence.
cut as (
    select
        *,
        count(*) filter (where silence > interval 30 minute) over (
            partition by source, user_id order by event_no rows between unbounded preceding and current row
        ) as cut_no
    from numbered
),

started as (
    select
        *,
        min(recorded_at) over (partition by source, user_id, cut_no) as cut_started_at
    from cut
),

final as (
    select
        source,
        source_id,
        user_id,
        source || ':' || user_id || ':' || coalesce(session_id, strftime(cut_started_at, '%Y-%m-%dT%H:%M:%S.%fZ'))
            as session_id,
        signal_type,
        value,
        screen,
        flow,
        recorded_at,
        event_no
    from started
)

select * from final
