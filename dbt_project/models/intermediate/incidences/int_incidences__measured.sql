with events as (
    select * from {{ ref('fct_incidence_events') }}
    {{ where_user_is_due() }}
),

-- The time between two events of one agent was spent on the incidence, at most 5 minutes of it.
paced as (
    select
        *,
        actor_type = 'AGENT' and agent_id is not null as is_by_agent,
        least(
            coalesce({{ microseconds_between('lag(occurred_at) over agent_events', 'occurred_at') }}, 0), 300000000
        ) as gap_microseconds,
        case when event_type = 'CALL' then {{ microseconds_between('started_at', 'ended_at') }} end as call_microseconds
    from events
    window agent_events as (partition by incidence_id, agent_id, actor_type order by event_no)
),

final as (
    select
        incidence_id,
        max(occurred_at) as last_active_at,
        count(*) filter (where event_type = 'MESSAGE') as message_count,
        count(*) filter (where event_type = 'MESSAGE' and actor_type = 'USER') as user_message_count,
        count(*) filter (where event_type = 'MESSAGE' and actor_type = 'AGENT') as agent_message_count,
        count(*) filter (where event_type = 'WAIT') as wait_count,
        count(*) filter (where event_type = 'ESCALATED') as escalated_count,
        bool_or(event_type in ('ASSIGNED', 'REASSIGNED')) as has_assignment,
        bool_or(is_by_agent) as has_agent_event,
        bool_or(is_by_agent and event_type in ('MESSAGE', 'CALL', 'NOTE', 'ACTION')) as has_agent_work,
        min(occurred_at) filter (where is_by_agent and event_type in ('MESSAGE', 'CALL')) as first_response_at,
        cast(coalesce(sum(gap_microseconds) filter (where is_by_agent), 0) as bigint) as gap_microseconds,
        cast(coalesce(sum(call_microseconds), 0) as bigint) as call_microseconds
    from paced
    group by incidence_id
)

select * from final
