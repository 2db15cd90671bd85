"""What analytics answer: camelCase, money in rupees, dates of Indian days."""

from collections.abc import Iterable
from datetime import date
from typing import Self

from pydantic import Field
from pydantic.alias_generators import to_camel

from api.wire import Input, Instant, Wire, rupees
from store.enums import Period, RecommendationState
from store.published import CostLine, Kpi, Published, ReportPeriod, TrendPoint, WeeklyReport

MONEY_UNIT = "PAISE"


class Provenance(Wire):
    """What every answer stands on."""

    period: str
    start_date: date
    end_date: date
    segment: dict[str, str] = Field(description="The filters asked for; empty for ALL.")
    is_demo: bool = Field(description="True when these are figures of the demo city, not of real customers.")
    data_as_of: Instant
    version: str


def provenance(warehouse: Published, period: ReportPeriod, filters: dict[str, str]) -> dict[str, object]:
    return {
        "period": period.name,
        "start_date": period.start_date,
        "end_date": period.end_date,
        "segment": {to_camel(name): value for name, value in filters.items()},
        "is_demo": filters["source"] == "demo" if "source" in filters else warehouse.is_demo,
        "data_as_of": warehouse.as_of,
        "version": warehouse.version,
    }


class KpiAnswer(Wire):
    metric: str
    label: str
    unit: str
    direction: str
    target: float | None
    value: float | None = Field(description="null for an empty period, or when the metric cannot be cut by the filter")
    numerator: float | None
    denominator: float | None
    interval: tuple[float, float] | None = Field(description="95 % interval, where there is one")
    is_final: bool
    definition: str
    definition_version: int

    @classmethod
    def of(cls, kpi: Kpi) -> Self:
        is_money = kpi.unit == MONEY_UNIT
        money = rupees if is_money else lambda figure: figure
        return cls(
            metric=kpi.metric,
            label=kpi.label,
            unit="RUPEES" if is_money else kpi.unit,
            direction=kpi.direction,
            target=money(kpi.target),
            value=money(kpi.value),
            numerator=money(kpi.numerator),
            denominator=kpi.denominator,
            interval=None
            if kpi.interval_low is None or kpi.interval_high is None
            else (kpi.interval_low, kpi.interval_high),
            is_final=kpi.is_final,
            definition=kpi.definition,
            definition_version=kpi.definition_version,
        )


class KpisAnswer(Provenance):
    kpis: list[KpiAnswer]


class TrendPointAnswer(Wire):
    date: date
    value: float | None
    numerator: float | None
    denominator: float | None
    is_final: bool

    @classmethod
    def of(cls, point: TrendPoint, unit: str) -> Self:
        money = rupees if unit == MONEY_UNIT else lambda figure: figure
        return cls(
            date=point.date,
            value=money(point.value),
            numerator=money(point.numerator),
            denominator=point.denominator,
            is_final=point.is_final,
        )


class TrendAnswer(Provenance):
    metric: str
    label: str
    unit: str
    granularity: Period
    definition_version: int
    points: list[TrendPointAnswer]


class CostLineAnswer(Wire):
    stage: str | None = Field(description="null: all stages")
    channel: str | None = Field(description="null: all channels of the stage")
    incidence_count: int
    helped_count: int
    handling_minutes: float
    contact_cost: float
    handling_cost: float
    discount_cost: float
    cx_cost: float
    assisted_order_count: int
    assisted_order_value: float
    cost_per_assisted_order: float | None

    @classmethod
    def of(cls, line: CostLine) -> Self:
        return cls.model_validate(
            {
                "stage": line.stage,
                "channel": line.channel,
                "incidence_count": line.incidence_count,
                "helped_count": line.helped_count,
                "handling_minutes": round(float(line.handling_seconds) / 60, 1),
                "contact_cost": rupees(line.contact_cost_paise),
                "handling_cost": rupees(line.handling_cost_paise),
                "discount_cost": rupees(line.discount_paise),
                "cx_cost": rupees(line.cx_cost_paise),
                "assisted_order_count": line.assisted_order_count,
                "assisted_order_value": rupees(line.assisted_order_value_paise),
                "cost_per_assisted_order": rupees(line.cost_per_assisted_order_paise),
            }
        )


def cost_lines(lines: Iterable[CostLine]) -> list[CostLineAnswer]:
    return [CostLineAnswer.of(line) for line in lines]


class CostAnalysisAnswer(Provenance):
    cost_per_assisted_order: KpiAnswer
    post_order_cost_per_order: KpiAnswer
    lines: list[CostLineAnswer]


class FrictionReasonAnswer(Wire):
    rank: int
    issue_category: str
    incidence_count: int
    top_screen: str | None
    top_screen_count: int
    four_week_average: float | None
    trend: float | None = Field(description="count ÷ four-week average − 1")
    cx_cost: float
    lost_value: float


class RepeatIssueAnswer(Wire):
    issue_category: str
    incidence_count: int
    open_or_dropped_count: int


class RecommendationAnswer(Wire):
    recommendation_id: str
    rank: int
    issue_category: str
    app_screen: str | None
    incidence_count: int
    four_week_average: float | None
    trend: float | None
    lost_value: float
    cx_cost: float
    discount_cost: float
    usual_loss: float
    value_at_risk: float
    evidence: list[str] = Field(description="Incidence ids")
    fix_title: str
    fix_detail: str
    state: RecommendationState


class FrictionReportAnswer(Provenance):
    """The owner's six keys stay as the owner wrote them; all others are camelCase."""

    top_friction_reasons: list[FrictionReasonAnswer] = Field(alias="top_friction_reasons")
    unresolved_repeats: list[RepeatIssueAnswer] = Field(alias="unresolved_repeats")
    cost_per_order: list[CostLineAnswer] = Field(alias="cost_per_order")
    self_serve_rate: KpiAnswer = Field(alias="self_serve_rate")
    recommendations: list[RecommendationAnswer]
    is_final: bool

    @classmethod
    def of(cls, warehouse: Published, report: WeeklyReport) -> Self:
        return cls.model_validate(
            provenance(warehouse, report.period, {})
            | {
                "top_friction_reasons": [
                    {
                        "rank": reason.rank,
                        "issue_category": reason.issue_category,
                        "incidence_count": reason.incidence_count,
                        "top_screen": reason.top_screen,
                        "top_screen_count": reason.top_screen_count,
                        "four_week_average": reason.four_week_average,
                        "trend": reason.trend_rate,
                        "cx_cost": rupees(reason.cx_cost_paise),
                        "lost_value": rupees(reason.lost_value_paise),
                    }
                    for reason in report.top_friction_reasons
                ],
                "unresolved_repeats": [
                    {
                        "issue_category": repeat.issue_category,
                        "incidence_count": repeat.incidence_count,
                        "open_or_dropped_count": repeat.open_or_dropped_count,
                    }
                    for repeat in report.unresolved_repeats
                ],
                "cost_per_order": cost_lines(report.cost_per_order),
                "self_serve_rate": KpiAnswer.of(report.self_serve_rate),
                "recommendations": [
                    {
                        "recommendation_id": advice.recommendation_id,
                        "rank": advice.rank,
                        "issue_category": advice.issue_category,
                        "app_screen": advice.app_screen,
                        "incidence_count": advice.incidence_count,
                        "four_week_average": advice.four_week_average,
                        "trend": advice.trend_rate,
                        "lost_value": rupees(advice.lost_value_paise),
                        "cx_cost": rupees(advice.cx_cost_paise),
                        "discount_cost": rupees(advice.discount_paise),
                        "usual_loss": rupees(advice.usual_loss_paise),
                        "value_at_risk": rupees(advice.value_at_risk_paise),
                        "evidence": advice.evidence_incidence_ids,
                        "fix_title": advice.fix_title,
                        "fix_detail": advice.fix_detail,
                        "state": advice.state,
                    }
                    for advice in report.recommendations
                ],
                "is_final": report.self_serve_rate.is_final,
            }
        )


class RecommendationChange(Input):
    state: RecommendationState
    note: str | None = Field(None, max_length=500)


class RecommendationStateAnswer(Wire):
    recommendation_id: str
    state: RecommendationState
    note: str | None
    changed_at: Instant = Field(description="The report shows it from the next build on.")
