"""The rules in force, read once and kept in memory until a new version is there."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType, SimpleNamespace
from typing import Any

import structlog
from sqlalchemy import Connection, Row, Table, func, select
from sqlalchemy.exc import SQLAlchemyError

from api.rules.sets import (
    SCORE_CODES,
    Band,
    CategoryRules,
    DiscountCode,
    DiscountLimit,
    DiscountRules,
    EscalationRule,
    EscalationRules,
    FrictionRules,
    HelpRule,
    NotificationRule,
    NotificationRules,
    OfficeHours,
    OfficeSpan,
    Phrase,
    PhraseRules,
    Policies,
    RoutingRules,
    Rules,
    ScoreRule,
    ScreenRules,
    SignalRule,
    Texts,
)
from store import clock
from store.enums import (
    AgentLevel,
    Channel,
    EscalationLevel,
    EscalationTrigger,
    EventType,
    Flow,
    FrictionAction,
    RoutedChannel,
    RuleSet,
    SignalType,
)
from store.session import Store
from store.tables import (
    discount_codes,
    discount_limits,
    escalation_rules,
    friction_rules,
    holidays,
    issue_categories,
    notification_rules,
    office_hours,
    phrases,
    policies,
    routing_rules,
    rule_versions,
    screens,
)

LOOKS_EVERY_SECONDS = 0.5
_log = structlog.get_logger()

EMPTY: Mapping[Any, Any] = MappingProxyType({})
Versions = Mapping[RuleSet, tuple[int, datetime]]
"""Version and valid_from of each set."""


def versions_in_force(connection: Connection, at: datetime) -> Versions:
    """Of each set the highest version that is valid at the instant."""
    highest = (
        select(rule_versions.c.rule_set, func.max(rule_versions.c.version).label("version"))
        .where(rule_versions.c.valid_from <= at)
        .group_by(rule_versions.c.rule_set)
        .subquery()
    )
    rows = connection.execute(
        select(rule_versions.c.rule_set, rule_versions.c.version, rule_versions.c.valid_from).join(
            highest,
            (rule_versions.c.rule_set == highest.c.rule_set) & (rule_versions.c.version == highest.c.version),
        )
    )
    return {RuleSet(row.rule_set): (row.version, row.valid_from) for row in rows}


def load_rules(
    connection: Connection, at: datetime, instead: Mapping[RuleSet, Mapping[str, Sequence[Mapping[str, Any]]]] = EMPTY
) -> Rules:
    """The rules in force at the instant; with other rows of some set, by table, as they would be `instead`."""
    versions = versions_in_force(connection, at)

    def rows_of(table: Table, rule_set: RuleSet) -> Sequence[Any]:
        if rule_set in instead:
            return [SimpleNamespace(**row) for row in instead[rule_set][table.name]]
        return connection.execute(select(table).where(table.c.version == versions[rule_set][0])).all()

    return Rules(
        friction=_friction(versions[RuleSet.FRICTION], rows_of(friction_rules, RuleSet.FRICTION)),
        routing=_routing(versions[RuleSet.ROUTING], rows_of(routing_rules, RuleSet.ROUTING)),
        escalation=EscalationRules(
            *versions[RuleSet.ESCALATION],
            by_trigger={rule.trigger: rule for rule in map(_escalation, rows_of(escalation_rules, RuleSet.ESCALATION))},
        ),
        notifications=NotificationRules(
            *versions[RuleSet.NOTIFICATION],
            rules=tuple(
                sorted(
                    map(_notification, rows_of(notification_rules, RuleSet.NOTIFICATION)),
                    key=lambda rule: rule.priority,
                )
            ),
        ),
        discounts=DiscountRules(
            *versions[RuleSet.DISCOUNT],
            codes={
                row.code: DiscountCode(row.code, row.percent, row.max_paise, row.description, row.is_pre_approved)
                for row in rows_of(discount_codes, RuleSet.DISCOUNT)
            },
            limits={
                AgentLevel(row.role): DiscountLimit(row.max_percent, row.max_paise)
                for row in rows_of(discount_limits, RuleSet.DISCOUNT)
            },
        ),
        categories=CategoryRules(
            *versions[RuleSet.CATEGORY],
            names={row.code: Texts(row.name_en, row.name_hi) for row in rows_of(issue_categories, RuleSet.CATEGORY)},
        ),
        screens=ScreenRules(
            *versions[RuleSet.SCREEN],
            flows={row.code: Flow(row.flow) if row.flow else None for row in rows_of(screens, RuleSet.SCREEN)},
        ),
        phrases=PhraseRules(
            *versions[RuleSet.PHRASE],
            phrases=tuple(Phrase(row.language, row.phrase, row.kind) for row in rows_of(phrases, RuleSet.PHRASE)),
        ),
        office_hours=OfficeHours(
            *versions[RuleSet.OFFICE_HOURS],
            spans=tuple(
                OfficeSpan(row.weekday, row.opens, row.closes) for row in rows_of(office_hours, RuleSet.OFFICE_HOURS)
            ),
            holidays={row.holiday_date: row.name for row in rows_of(holidays, RuleSet.OFFICE_HOURS)},
        ),
        policies=_policies(versions[RuleSet.POLICY], rows_of(policies, RuleSet.POLICY)),
    )


class Registry:
    """`current()` costs nothing; who replaces a set calls `renew()`; `watch()` sees what other processes replaced."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rules, self._versions = self._load()

    def current(self) -> Rules:
        return self._rules

    def renew(self) -> Rules:
        """Take the newest rules at once."""
        self._rules, self._versions = self._load()
        return self._rules

    def renew_if_changed(self) -> bool:
        """Take the newest rules if any set has a new version, and say whether."""
        with self._store.read() as connection:
            versions = versions_in_force(connection, clock.now())
        if versions == self._versions:
            return False
        self.renew()
        return True

    async def watch(self) -> None:
        """Look for new versions until cancelled."""
        while True:
            await asyncio.sleep(LOOKS_EVERY_SECONDS)
            try:
                self.renew_if_changed()
            except SQLAlchemyError as error:  # the rules that are known stay in force
                _log.warning("rules.not_read", error_type=type(error).__name__)

    def _load(self) -> tuple[Rules, Versions]:
        at = clock.now()
        with self._store.read() as connection:
            return load_rules(connection, at), versions_in_force(connection, at)


def _texts(row: Row[Any]) -> Texts:
    return Texts(row.text_en, row.text_hi)


def _friction(versioned: tuple[int, datetime], rows: Sequence[Row[Any]]) -> FrictionRules:
    scores = {
        row.code: ScoreRule(row.code, row.threshold, row.weight, row.issue_category)
        for row in rows
        if row.kind == "SCORE"
    }
    signals = [
        SignalRule(
            SignalType(row.signal_type),
            row.threshold,
            FrictionAction(row.action),
            row.priority,
            _texts(row),
            row.issue_category,
        )
        for row in rows
        if row.kind == "SIGNAL"
    ]
    due = next(row for row in rows if row.kind == "HELP")
    return FrictionRules(
        *versioned,
        scores=tuple(scores[code] for code in SCORE_CODES),
        signals=tuple(sorted(signals, key=lambda rule: rule.priority)),
        help=HelpRule(due.threshold, FrictionAction(due.action), due.priority, _texts(due), due.issue_category),
    )


def _routing(versioned: tuple[int, datetime], rows: Sequence[Row[Any]]) -> RoutingRules:
    bands = [
        Band(
            row.order_value_min_paise,
            row.order_value_max_paise,
            tuple(RoutedChannel(channel) for channel in row.channels),
            row.escalate_after_seconds,
        )
        for row in rows
    ]
    return RoutingRules(*versioned, bands=tuple(sorted(bands, key=lambda band: band.min_paise)))


def _escalation(row: Row[Any]) -> EscalationRule:
    return EscalationRule(
        EscalationTrigger(row.trigger),
        EscalationLevel(row.level),
        row.order_value_over_paise,
        row.unresolved_over_seconds,
    )


def _notification(row: Row[Any]) -> NotificationRule:
    return NotificationRule(
        row.code,
        Flow(row.flow),
        row.condition,
        row.threshold,
        row.priority,
        _texts(row),
        row.offers_person,
        row.issue_category,
    )


def _policies(versioned: tuple[int, datetime], rows: Sequence[Row[Any]]) -> Policies:
    values = {row.code: row.value for row in rows}
    return Policies(
        *versioned,
        values=values,
        holdout_share=values["holdout_share"],
        prompts_per_session=values["prompts_per_session"],
        snooze_minutes=values["snooze_minutes"],
        prompt_expiry_minutes=values["prompt_expiry_minutes"],
        session_timeout_minutes=values["session_timeout_minutes"],
        presence_seconds=values["presence_seconds"],
        chat_channels={name: Channel(channel) for name, channel in values["chat_channels"].items()},
        always_assisted_event_types=frozenset(map(EventType, values["always_assisted_event_types"])),
        approval_required_text=Texts(**values["approval_required_text"]),
        outside_hours_text=Texts(**values["outside_hours_text"]),
        self_serve_text=Texts(**values["self_serve_text"]),
    )
