{{ config(materialized='table') }}

with incidences as (
    select * from {{ ref('int_incidences__unioned') }}
    {{ where_user_is_due() }}
),

measured as (
    select * from {{ ref('int_incidences__measured') }}
),

roots as (
    select * from {{ ref('int_incidences__roots') }}
    {{ where_user_is_due() }}
),

escalations as (
    select
        roots.root_incidence_id as incidence_id,
        count(*) as escalation_count
    from {{ ref('stg_ops__escalation_log') }} as escalation_log
    inner join roots on escalation_log.incidence_id = roots.incidence_id
    group by roots.root_incidence_id
),

discounts as (
    select
        roots.root_incidence_id as incidence_id,
        sum(requests.discount_paise) as discount_paise
    from {{ ref('stg_ops__order_change_requests') }} as requests
    inner join roots on requests.incidence_id = roots.incidence_id
    where requests.kind = 'DISCOUNT' and requests.status = 'APPLIED'
    group by roots.root_incidence_id
),

costs as (
    select
        channel,
        contact_cost_paise,
        minute_cost_paise,
        concurrency,
        cast(valid_from as timestamp) as valid_from
    from {{ ref('cx_costs') }}
),

joined as (
    select
        incidences.* exclude (wait_count, escalation_count),
        incidences.merged_into is not null as is_merged,
        incidences.opened_at is not null as was_open,
        coalesce(measured.last_active_at, incidences.created_at) as last_active_at,
        coalesce(measured.message_count, 0) as message_count,
        coalesce(measured.user_message_count, 0) as user_message_count,
        coalesce(measured.agent_message_count, 0) as agent_message_count,
        coalesce(incidences.wait_count, measured.wait_count, 0) as wait_count,
        case
            when incidences.is_imported then coalesce(incidences.escalation_count, measured.escalated_count, 0)
            else coalesce(escalations.escalation_count, 0)
        end as escalation_count,
        -- An imported timeline knows no messages from notes: any event of an agent is help, unless the file says.
        coalesce(
            incidences.is_said_helped,
            case
                when incidences.is_imported then measured.has_agent_event
                else (incidences.agent_id is not null or measured.has_assignment) and measured.has_agent_work
            end,
            false
        ) as is_helped,
        measured.first_response_at,
        coalesce(measured.gap_microseconds, 0) + coalesce(measured.call_microseconds, 0) as handling_microseconds,
        coalesce(measured.call_microseconds, 0) as call_microseconds,
        cast(coalesce(discounts.discount_paise, 0) as bigint) as discount_paise
    from incidences
    left join measured on incidences.incidence_id = measured.incidence_id
    left join escalations on incidences.incidence_id = escalations.incidence_id
    left join discounts on incidences.incidence_id = discounts.incidence_id
),

-- Costs in force when the incidence began. A channel without costs costs nothing.
final as (
    select
        joined.*,
        case when joined.was_open and not joined.is_merged then coalesce(costs.contact_cost_paise, 0) else 0 end
            as contact_cost_paise,
        cast(
            {{ divide_half_up(
                'coalesce(joined.handling_microseconds * costs.minute_cost_paise, 0)',
                'coalesce(60000000 * costs.concurrency, 1)'
            ) }} as bigint
        ) as handling_cost_paise
    from joined
    asof left join costs on coalesce(joined.first_channel, 'NONE') = costs.channel and joined.created_at >= costs.valid_from
)

select * from final
