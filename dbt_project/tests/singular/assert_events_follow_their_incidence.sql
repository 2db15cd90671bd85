-- Fails if something happened to an incidence more than an hour before it began. An hour, because a chat platform's clock may differ
-- from ours, and a chat may have begun before we heard of it.
select
    events.event_id,
    events.occurred_at,
    incidences.created_at
from {{ ref('fct_incidence_events') }} as events
inner join {{ ref('fct_incidences') }} as incidences on events.incidence_id = incidences.incidence_id
where events.occurred_at < incidences.created_at - interval 1 hour
