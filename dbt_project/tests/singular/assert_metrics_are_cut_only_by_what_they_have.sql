-- Fails if the cube cuts a metric by a dimension that the catalogue does not give it.
select
    cube.metric,
    cube.date
from {{ ref('fct_kpis') }} as cube
inner join {{ ref('dim_kpis') }} as kpis on cube.metric = kpis.metric
where not list_has_all(
        string_split(kpis.dimensions, ','),
        list_filter(
            [
                if(cube.stage != 'NONE', 'stage', null),
                if(cube.channel != 'NONE', 'channel', null),
                if(cube.event_type != 'NONE', 'event_type', null),
                if(cube.order_band != 'NONE', 'order_band', null),
                if(cube.language != 'NONE', 'language', null),
                if(cube.tier != 'NONE', 'tier', null)
            ],
            lambda dimension: dimension is not null
        )
    )
