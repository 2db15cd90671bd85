"""The published warehouse, read-only: how to open it, and the questions that are asked of it.

API, reports, exports and notebooks all read through here, so a figure means the same wherever it is shown:

    from store import published
    with published.open_current(Settings.from_environment()) as warehouse:
        published.kpis(warehouse, *published.last_7_days(warehouse.as_of))
"""

from store.published.advice import PastAdvice as PastAdvice
from store.published.advice import past_advice as past_advice
from store.published.costs import CostLine as CostLine
from store.published.costs import cost_analysis as cost_analysis
from store.published.kpis import DIMENSIONS as DIMENSIONS
from store.published.kpis import Kpi as Kpi
from store.published.kpis import UnknownMetric as UnknownMetric
from store.published.kpis import catalogue as catalogue
from store.published.kpis import kpis as kpis
from store.published.live import Live as Live
from store.published.live import NoLiveTables as NoLiveTables
from store.published.live import open_live as open_live
from store.published.periods import ReportPeriod as ReportPeriod
from store.published.periods import UnknownPeriod as UnknownPeriod
from store.published.periods import last_7_days as last_7_days
from store.published.periods import parse_period as parse_period
from store.published.trends import TrendPoint as TrendPoint
from store.published.trends import trend as trend
from store.published.versions import SCHEMA_VERSION as SCHEMA_VERSION
from store.published.versions import NoPublishedWarehouse as NoPublishedWarehouse
from store.published.versions import Published as Published
from store.published.versions import WarehouseOutOfDate as WarehouseOutOfDate
from store.published.versions import WarehouseUnavailable as WarehouseUnavailable
from store.published.versions import current_as_of as current_as_of
from store.published.versions import current_version as current_version
from store.published.versions import open_current as open_current
from store.published.versions import open_version as open_version
from store.published.weekly_report import FrictionReason as FrictionReason
from store.published.weekly_report import Recommendation as Recommendation
from store.published.weekly_report import RepeatIssue as RepeatIssue
from store.published.weekly_report import WeeklyReport as WeeklyReport
from store.published.weekly_report import weekly_report as weekly_report
