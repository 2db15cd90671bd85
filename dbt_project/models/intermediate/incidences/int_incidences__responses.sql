with events as (
    select
        incidence_id,
        event_no,
        occurred_at,
        actor_type = 'AGENT' as is_reply
    from {{ ref('fct_incidence_events') }}
    {{ where_user_is_due() }}
        and (
            (event_type in ('MESSAGE', 'CALL') and actor_type = 'AGENT' and agent_id is not null)
            or (event_type = 'MESSAGE' and actor_type = 'USER')
        )
),

incidences as (
    select
        incidence_id,
        opened_at
    from {{ ref('int_incidences__unioned') }}
    {{ where_user_is_due() }}
),

spans as (
    select * from {{ ref('int_office__spans') }}
),

versions as (
    select distinct
        version,
        valid_from,
        valid_to
    from spans
),

turns as (
    select
        *,
        lag(is_reply, 1, false) over (partition by incidence_id order by event_no) as follows_reply,
        min(case when is_reply then occurred_at end) over (
            partition by incidence_id order by event_no rows between 1 following and unbounded following
        ) as next_reply_at
    from events
),

-- The first answer is waited for from the opening on, every further one from the first message since the last answer.
waits as (
    select
        incidences.incidence_id,
        true as is_first,
        incidences.opened_at as asked_at,
        min(turns.occurred_at) as answered_at
    from incidences
    inner join turns on incidences.incidence_id = turns.incidence_id
    where turns.is_reply and incidences.opened_at is not null
    group by all
    union all
    select
        incidence_id,
        false as is_first,
        occurred_at as asked_at,
        next_reply_at as answered_at
    from turns
    where not is_reply and follows_reply and next_reply_at is not null
),

-- The hours that count are those in force when the user asked.
judged as (
    select
        waits.*,
        versions.version
    from waits
    left join versions on waits.asked_at >= versions.valid_from and waits.asked_at < versions.valid_to
),

-- Office time between two instants is what had passed by the second, less what had passed by the first.
asked as (
    select
        judged.*,
        {{ office_microseconds('spans', 'judged.asked_at') }} as office_microseconds_when_asked
    from judged
    asof left join spans on judged.version = spans.version and judged.asked_at >= spans.opens_at
),

timed as (
    select
        asked.incidence_id,
        asked.is_first,
        {{ microseconds_between('asked.asked_at', 'asked.answered_at') }} as wait_microseconds,
        case
            when asked.version is not null
                then {{ office_microseconds('spans', 'asked.answered_at') }} - asked.office_microseconds_when_asked
        end as office_microseconds
    from asked
    asof left join spans on asked.version = spans.version and asked.answered_at >= spans.opens_at
),

final as (
    select
        incidence_id,
        sum(office_microseconds) filter (where is_first) / cast(1000000.0 as double) as first_response_office_seconds,
        count(*) filter (where not is_first) as next_response_count,
        sum(wait_microseconds) filter (where not is_first)
        / (cast(1000000.0 as double) * count(*) filter (where not is_first)) as next_response_seconds,
        sum(office_microseconds) filter (where not is_first)
        / (cast(1000000.0 as double) * count(office_microseconds) filter (where not is_first))
            as next_response_office_seconds
    from timed
    group by incidence_id
)

select * from final
