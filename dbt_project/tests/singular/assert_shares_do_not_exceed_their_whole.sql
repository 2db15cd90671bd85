-- Fails if a rate counts more above the line than below it. Contacts are counted per order and per session, and may be more.
select
    cube.metric,
    cube.date
from {{ ref('fct_kpis') }} as cube
inner join {{ ref('dim_kpis') }} as kpis on cube.metric = kpis.metric
where
    kpis.unit = 'RATE'
    and cube.metric not in ('contact_rate', 'contact_rate_per_checkout_session')
    and cube.numerator > cube.denominator
