{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ forget_due_users() }}') }}

with events as (
    select * from {{ ref('int_incidences__events') }}
),

final as (
    select
        event_id,
        incidence_id,
        user_id,
        event_no,
        event_type,
        native_activity,
        actor_type,
        agent_id,
        coalesce(channel, 'NONE') as channel,
        text_length,
        is_flagged,
        is_reached,
        started_at,
        ended_at,
        occurred_at,
        {{ ist_date('occurred_at') }} as occurred_date,
        source,
        {{ is_demo() }} as is_demo
    from events
)

-- depends_on: {{ ref('int_users__due') }}
select * from final
