with roots as (
    select * from {{ ref('int_incidences__roots') }}
    {{ where_user_is_due() }}
),

timeline as (
    select * from {{ ref('stg_ops__incidence_timeline') }}
),

imported as (
    select * from {{ ref('stg_files__incidence_events') }}
),

incidences as (
    select
        incidence_id,
        is_imported
    from {{ ref('int_incidences__unioned') }}
),

live_events as (
    select
        timeline.event_id,
        roots.root_incidence_id as incidence_id,
        roots.user_id,
        timeline.event_type,
        cast(null as varchar) as native_activity,
        timeline.actor_type,
        timeline.agent_id,
        timeline.channel,
        timeline.text_length,
        timeline.is_flagged,
        timeline.is_reached,
        timeline.started_at,
        timeline.ended_at,
        timeline.occurred_at,
        timeline.recorded_at,
        cast(null as bigint) as file_event_no,
        timeline.source
    from timeline
    inner join roots on timeline.incidence_id = roots.incidence_id
),

-- An imported incidence that gave way to a live one takes its timeline with it.
imported_events as (
    select
        imported.event_id,
        roots.root_incidence_id as incidence_id,
        roots.user_id,
        imported.event_type,
        imported.native_activity,
        imported.actor_type,
        imported.agent_id,
        imported.channel,
        imported.text_length,
        false as is_flagged,
        cast(null as boolean) as is_reached,
        cast(null as timestamp) as started_at,
        cast(null as timestamp) as ended_at,
        imported.occurred_at,
        cast(null as timestamp) as recorded_at,
        imported.event_no as file_event_no,
        imported.source
    from imported
    inner join roots on imported.incidence_id = roots.incidence_id
    semi join incidences on imported.incidence_id = incidences.incidence_id and incidences.is_imported
),

unioned as (
    select * from live_events
    union all
    select * from imported_events
),

-- Events of one instant: live ones as they were written, imported ones as their file had them.
final as (
    select
        *,
        row_number() over (
            partition by incidence_id order by occurred_at, file_event_no nulls first, recorded_at, event_id
        ) as event_no
    from unioned
)

select * from final
