"""What help costs, by stage and channel."""

from collections.abc import Mapping
from dataclasses import dataclass

from store.published.kpis import INCIDENCES, filter_sql
from store.published.periods import ReportPeriod
from store.published.versions import Published


@dataclass(frozen=True, slots=True)
class CostLine:
    """Incidences created in the period and what they cost, in paise. `assisted_order_count` counts orders placed in it."""

    stage: str | None
    channel: str | None
    incidence_count: int
    helped_count: int
    handling_seconds: float
    contact_cost_paise: int
    handling_cost_paise: int
    discount_paise: int
    cx_cost_paise: int
    assisted_order_count: int
    assisted_order_value_paise: int

    @property
    def cost_per_assisted_order_paise(self) -> float | None:
        """CX cost over assisted orders, None without any; the KPI of the same name when the line is PRE_ORDER."""
        return self.cx_cost_paise / self.assisted_order_count if self.assisted_order_count else None


def cost_analysis(
    warehouse: Published, period: ReportPeriod, filters: Mapping[str, str] | None = None
) -> list[CostLine]:
    """Lines by stage and channel, then by stage (channel None), then the whole (both None)."""
    condition, parameters = filter_sql(warehouse, filters or {}, "i.")
    rows = warehouse.query(
        f"""
        with incidences as (
            select * from {INCIDENCES} as i
            where i.created_date between $start_date and $end_date and {condition}
        ),
        spent as (
            select stage, channel, count(*) as incidence_count, count(*) filter (is_helped) as helped_count,
                   sum(handling_seconds) as handling_seconds, sum(contact_cost_paise) as contact_cost_paise,
                   sum(handling_cost_paise) as handling_cost_paise, sum(discount_paise) as discount_paise,
                   sum(cx_cost_paise) as cx_cost_paise
            from incidences
            group by grouping sets ((stage, channel), (stage), ())
        ),
        earned as (
            select i.stage, i.channel, count(*) as assisted_order_count, sum(o.value_paise) as assisted_order_value_paise
            from marts.fct_orders as o
            inner join {INCIDENCES} as i on o.assisting_incidence_id = i.incidence_id
            where o.placed_date between $start_date and $end_date and not o.is_cancelled and {condition}
            group by grouping sets ((i.stage, i.channel), (i.stage), ())
        )
        select spent.*, coalesce(assisted_order_count, 0) as assisted_order_count,
               coalesce(assisted_order_value_paise, 0) as assisted_order_value_paise
        from spent
        left join earned on spent.stage is not distinct from earned.stage
                        and spent.channel is not distinct from earned.channel
        where spent.incidence_count > 0
        order by spent.stage nulls last, spent.channel nulls last
        """,
        {
            "start_date": period.start_date,
            "end_date": period.end_date,
        }
        | parameters,
    )
    return [CostLine(**row) for row in rows]
