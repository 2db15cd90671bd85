with incidences as (
    select * from {{ ref('fct_incidences') }}
),

-- What was merged belongs to another incidence and counts nowhere. The channel that counts is the one the user was first
-- given: a call added by escalation does not make it a call.
final as (
    select * replace (first_channel as channel)
    from incidences
    where merged_into is null
)

select * from final
