-- Fails if an incidence is credited with an order of somebody else, or of one that was cancelled.
select incidences.incidence_id, incidences.credited_order_id
from {{ ref('fct_incidences') }} as incidences
inner join {{ ref('fct_orders') }} as orders on incidences.credited_order_id = orders.order_id
where orders.user_id <> incidences.user_id or orders.is_cancelled
