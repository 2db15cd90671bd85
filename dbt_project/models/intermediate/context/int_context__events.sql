{{ config(materialized='table') }}

with signals as (
    select * from {{ ref('stg_ops__friction_signals') }}
    {{ where_user_is_due() }}
),

updates as (
    select * from {{ ref('stg_ops__context_updates') }}
    {{ where_user_is_due() }}
),

imported as (
    select * from {{ ref('int_context__imported_signals') }}
),

live_signals as (
    select
        cast(seq as varchar) as event_id,
        seq as event_no,
        seq,
        user_id,
        session_id,
        'SIGNAL' as kind,
        signal_type,
        value,
        screen,
        flow,
        cast(null as varchar) as entered_flow,
        false as is_back_navigation,
        recorded_at,
        source
    from signals
),

live_updates as (
    select
        cast(seq as varchar) as event_id,
        seq as event_no,
        seq,
        user_id,
        session_id,
        kind,
        cast(null as varchar) as signal_type,
        cast(null as double) as value,
        screen,
        flow,
        case when kind = 'SCREEN' then flow end as entered_flow,
        kind = 'SCREEN' and is_back_navigation as is_back_navigation,
        recorded_at,
        source
    from updates
),

-- A file has no screens of its own: its signals say where the user was, and BACK_NAVIGATION is the way back.
imported_signals as (
    select
        source || ':' || source_id as event_id,
        event_no,
        cast(null as bigint) as seq,
        user_id,
        session_id,
        'SIGNAL' as kind,
        signal_type,
        value,
        screen,
        flow,
        flow as entered_flow,
        signal_type = 'BACK_NAVIGATION' as is_back_navigation,
        recorded_at,
        source
    from imported
),

final as (
    select * from live_signals
    union all
    select * from live_updates
    union all
    select * from imported_signals
)

select * from final
