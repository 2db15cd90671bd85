with incidences as (
    select * from {{ ref('fct_incidences') }}
),

-- KPIs judge the channel the user was first given; a call added by escalation does not move the incidence to CALL. What is
-- not known is 'NONE', here once for all of them.
final as (
    select
        * replace (
            coalesce(first_channel, channel, 'NONE') as channel,
            coalesce(event_type, 'NONE') as event_type,
            coalesce(order_band, 'NONE') as order_band,
            coalesce(language, 'NONE') as language,
            coalesce(tier, 'NONE') as tier
        )
    from incidences
)

select * from final
