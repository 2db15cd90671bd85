"""The versions that a set of rules had, and what a new one would change for what happened lately."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, select

from api.channel.rules import allowed_channels
from api.friction.rules import Inputs, score_of
from api.rules.sets import Band, FrictionRules
from store.enums import EventType, RoutedChannel, RuleSet
from store.tables import friction_scores, incidences, rule_versions

LATELY = 1_000
Channels = tuple[RoutedChannel, ...]


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """`created_by` is the key or session that wrote it; None for what came with the product."""

    version: int
    valid_from: datetime
    created_by: str | None


@dataclass(frozen=True, slots=True)
class RoutingEffect:
    """Of the last incidences, how many would have had other channels: by (before, after)."""

    incidence_count: int
    changed: Mapping[tuple[Channels, Channels], int]


@dataclass(frozen=True, slots=True)
class FrictionEffect:
    """Of the last evaluations, for how many help was due by the rules in force now, and would be by the new ones."""

    score_count: int
    due_now: int
    due_then: int
    newly_due: int
    no_longer_due: int


def read_versions(connection: Connection, rule_set: RuleSet) -> list[RuleVersion]:
    """Newest first."""
    query = select(rule_versions).where(rule_versions.c.rule_set == rule_set).order_by(rule_versions.c.version.desc())
    return [RuleVersion(row.version, row.valid_from, row.created_by) for row in connection.execute(query)]


def routing_effect(
    connection: Connection, before: Sequence[Band], after: Sequence[Band], always: frozenset[EventType]
) -> RoutingEffect:
    query = select(incidences.c.order_value_paise, incidences.c.event_type)
    rows = connection.execute(query.order_by(incidences.c.incidence_id.desc()).limit(LATELY)).all()
    changed: Counter[tuple[Channels, Channels]] = Counter()
    for row in rows:
        event = EventType(row.event_type) if row.event_type in list(EventType) else None
        old, new = (allowed_channels(bands, row.order_value_paise, event, always).channels for bands in (before, after))
        if set(old) != set(new):
            changed[old, new] += 1
    return RoutingEffect(len(rows), changed)


def friction_effect(connection: Connection, before: FrictionRules, after: FrictionRules) -> FrictionEffect:
    query = select(friction_scores).order_by(friction_scores.c.score_id.desc()).limit(LATELY)
    pairs = [
        (score_of(before, inputs).is_help_due, score_of(after, inputs).is_help_due)
        for inputs in map(_inputs, connection.execute(query))
    ]
    return FrictionEffect(
        score_count=len(pairs),
        due_now=sum(now for now, _ in pairs),
        due_then=sum(then for _, then in pairs),
        newly_due=sum(then and not now for now, then in pairs),
        no_longer_due=sum(now and not then for now, then in pairs),
    )


def _inputs(row: Row[tuple[object, ...]]) -> Inputs:
    return Inputs(*(getattr(row, name) for name in Inputs.__dataclass_fields__))
