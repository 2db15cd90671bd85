{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ forget_due_users() }}') }}

with events as (
    select * from {{ ref('int_context__events') }}
    where kind = 'SIGNAL'
),

final as (
    select
        event_id as signal_id,
        seq,
        user_id,
        session_id,
        signal_type,
        signal_type in ({{ words(var('signal_types')) }}) as is_known_type,
        value,
        screen,
        flow,
        recorded_at,
        {{ ist_date('recorded_at') }} as recorded_date,
        source,
        {{ is_demo() }} as is_demo
    from events
)

-- depends_on: {{ ref('int_users__due') }}
select * from final
