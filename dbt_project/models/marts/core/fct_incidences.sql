{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ forget_due_users() }}') }}

with assessed as (
    select * from {{ ref('int_incidences__assessed') }}
),

responses as (
    select * from {{ ref('int_incidences__responses') }}
),

profiles as (
    select * from {{ ref('int_users__profiled') }}
),

screens as (
    select * from {{ ref('int_context__screens') }}
),

orders as (
    select
        order_id,
        placed_at,
        value_paise
    from {{ ref('int_orders__unioned') }}
    {{ where_user_is_due() }}
        and not is_cancelled
),

-- Several orders may be credited to one incidence: it carries the first.
credited as (
    select
        credits.assisting_incidence_id as incidence_id,
        min_by(orders.order_id, (orders.placed_at, orders.order_id)) as order_id,
        min_by(orders.value_paise, (orders.placed_at, orders.order_id)) as value_paise
    from {{ ref('int_orders__credited') }} as credits
    inner join orders on credits.order_id = orders.order_id
    where credits.assisting_incidence_id is not null
    group by credits.assisting_incidence_id
),

final as (
    select
        assessed.incidence_id,
        assessed.user_id,
        assessed.order_id,
        assessed.stage,
        coalesce(assessed.channel, 'NONE') as channel,
        coalesce(assessed.first_channel, 'NONE') as first_channel,
        assessed.trigger,
        case
            when assessed.outcome is not null then assessed.outcome
            when assessed.is_self_serve then 'SELF_SERVE'
            when assessed.agent_id is not null then 'ASSIGNED'
            when assessed.was_open then 'OPEN'
            else 'OFFERED'
        end as status,
        assessed.outcome,
        coalesce(assessed.app_screen, 'UNKNOWN') as app_screen,
        coalesce(screens.flow, 'NONE') as flow,
        coalesce(assessed.issue_category, 'UNCLASSIFIED') as issue_category,
        assessed.root_cause,
        assessed.resolution_type,
        assessed.order_impact,
        coalesce(assessed.event_type, 'UNKNOWN') as event_type,
        assessed.order_value_paise,
        {{ order_band('assessed.order_value_paise') }} as order_band,
        case when assessed.order_impact = 'LOST' then coalesce(assessed.lost_value_paise, 0) else 0 end
            as lost_value_paise,
        assessed.is_self_serve,
        assessed.was_open,
        assessed.is_helped,
        assessed.outcome is not null and not assessed.is_merged as is_closed,
        assessed.agent_id,
        assessed.created_at,
        {{ ist_date('assessed.created_at') }} as created_date,
        assessed.opened_at,
        assessed.assigned_at,
        case when assessed.outcome is not null then assessed.resolved_at end as resolved_at,
        case when assessed.outcome is not null then {{ ist_date('assessed.resolved_at') }} end as resolved_date,
        case
            when assessed.outcome is not null
                then {{ seconds_between('assessed.created_at', 'assessed.resolved_at') }}
        end as time_to_resolve_seconds,
        assessed.last_active_at,
        coalesce(assessed.reopen_count, 0) as reopen_count,
        assessed.escalation_count,
        assessed.wait_count,
        coalesce(assessed.escalation_level, 'NONE') as escalation_level,
        assessed.merged_into,
        assessed.prompt_id,
        assessed.message_count,
        assessed.user_message_count,
        assessed.agent_message_count,
        {{ seconds_between('assessed.opened_at', 'assessed.first_response_at') }} as first_response_seconds,
        responses.first_response_office_seconds,
        coalesce(responses.next_response_count, 0) as next_response_count,
        responses.next_response_seconds,
        responses.next_response_office_seconds,
        assessed.handling_microseconds / cast(1000000.0 as double) as handling_seconds,
        assessed.call_microseconds / cast(1000000.0 as double) as call_seconds,
        assessed.contact_cost_paise,
        assessed.handling_cost_paise,
        assessed.discount_paise,
        assessed.contact_cost_paise + assessed.handling_cost_paise + assessed.discount_paise as cx_cost_paise,
        credited.order_id as credited_order_id,
        credited.value_paise as credited_order_value_paise,
        coalesce(profiles.language, 'UNKNOWN') as language,
        coalesce(profiles.tier, 'UNKNOWN') as tier,
        assessed.source,
        assessed.source_id,
        {{ is_demo('assessed.source') }} as is_demo
    from assessed
    asof left join profiles on assessed.user_id = profiles.user_id and assessed.created_at >= profiles.valid_from
    left join screens
        on
            assessed.app_screen = screens.screen
            and assessed.created_at >= screens.valid_from
            and assessed.created_at < screens.valid_to
    left join responses on assessed.incidence_id = responses.incidence_id
    left join credited on assessed.incidence_id = credited.incidence_id
)

select * from final
