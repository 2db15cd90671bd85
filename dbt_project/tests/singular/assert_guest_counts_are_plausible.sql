-- Fails if an order is for nobody, or for more than 100,000 guests: a slip of the keyboard or a column that moved.
select order_id, guest_count from {{ ref('fct_orders') }}
where guest_count < 1 or guest_count > 100000
