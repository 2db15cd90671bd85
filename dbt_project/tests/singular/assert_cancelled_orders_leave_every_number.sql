-- Fails if an incidence is credited with an order that was cancelled.
select incidences.incidence_id
from {{ ref('fct_incidences') }} as incidences
inner join {{ ref('fct_orders') }} as orders on incidences.credited_order_id = orders.order_id
where orders.is_cancelled
