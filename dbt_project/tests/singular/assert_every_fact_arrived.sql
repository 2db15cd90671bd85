-- Fails if a mart holds another number of facts than the raw tables it is made of: a row lost or doubled on the way.
with counts as (
    select
        'fct_friction_signals' as mart,
        (select count(*) from {{ ref('fct_friction_signals') }}) as found,
        (select count(*) from {{ ref('stg_ops__friction_signals') }})
        + (select count(*) from {{ ref('stg_files__signals') }}) as expected
    union all
    select
        'fct_incidences',
        (select count(*) from {{ ref('fct_incidences') }}),
        (select count(*) from {{ ref('int_incidences__unioned') }})
    union all
    select
        'fct_incidence_events of the live system',
        (select count(*) from {{ ref('fct_incidence_events') }} semi join {{ ref('stg_ops__incidence_timeline') }} using (event_id)),
        (select count(*) from {{ ref('stg_ops__incidence_timeline') }})
    union all
    select
        'fct_orders of the live system',
        (select count(*) from {{ ref('fct_orders') }} semi join {{ ref('stg_ops__orders') }} using (order_id)),
        (select count(*) from {{ ref('stg_ops__orders') }})
    union all
    select
        'live scores',
        (select count(*) from {{ ref('fct_friction_scores') }} where is_live),
        (select count(*) from {{ ref('stg_ops__friction_scores') }})
    union all
    select
        'fct_sessions',
        (select count(*) from {{ ref('fct_sessions') }}),
        (
            select count(distinct (user_id, session_id)) from (
                select user_id, session_id from {{ ref('fct_friction_signals') }}
                union all
                select user_id, session_id from {{ ref('stg_ops__context_updates') }}
            )
        )
)

select * from counts
where found <> expected
