with agents as (
    select * from {{ ref('stg_ops__agents') }}
),

incidences as (
    select
        agent_id,
        source
    from {{ ref('stg_files__incidences') }}
),

events as (
    select
        agent_id,
        source
    from {{ ref('stg_files__incidence_events') }}
),

named as (
    select
        agent_id,
        source
    from incidences
    union all
    select
        agent_id,
        source
    from events
),

imported as (
    select
        named.agent_id,
        min(named.source) as source
    from named
    anti join agents on named.agent_id = agents.agent_id
    where named.agent_id is not null
    group by named.agent_id
),

final as (
    select
        agent_id,
        coalesce(levels, []) as levels,
        open_limit,
        status,
        source,
        {{ is_demo() }} as is_demo
    from agents
    union all
    select
        agent_id,
        [] as levels,
        null as open_limit,
        'UNKNOWN' as status,
        source,
        {{ is_demo() }} as is_demo
    from imported
)

select * from final
