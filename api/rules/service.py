"""Replacing a set of rules: a new version, in force from now on. Nothing is edited, so history keeps its own rules."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, text

from api.errors import BadRequest
from api.etags import require_match, strong_etag
from api.rules.checks import Flaw, band_flaws, friction_flaws
from api.rules.line_checks import line_flaws
from api.rules.lines import LINE_TABLES, Line, Lines
from api.rules.registry import load_rules
from api.rules.sets import Band, FrictionRules, HelpRule, SignalRule
from store import clock
from store.enums import RuleSet
from store.tables import friction_rules, routing_rules, rule_versions


class RulesRefused(BadRequest):
    code = "rules_refused"
    remedy = "Mend what is named and send the whole set again; nothing was changed."

    def __init__(self, flaws: Sequence[Flaw]) -> None:
        fields = [{"field": flaw.field, "message": flaw.message} for flaw in flaws]
        super().__init__("; ".join(f"{flaw.field}: {flaw.message}" for flaw in flaws), errors=fields)


def rules_etag(rule_set: RuleSet, version: int) -> str:
    return strong_etag(rule_set.lower(), version)


def replace_bands(connection: Connection, bands: Sequence[Band], *, if_match: str | None, created_by: str) -> int:
    """Route by these bands from now on; the new version.

    Raises `RulesRefused`, `PreconditionRequired`, `PreconditionFailed`.
    """
    _require_unchanged(connection, RuleSet.ROUTING, if_match)
    _refuse(band_flaws(bands))
    rows = [
        {
            "order_value_min_paise": band.min_paise,
            "order_value_max_paise": band.max_paise,
            "channels": list(band.channels),
            "escalate_after_seconds": band.escalate_after_seconds,
        }
        for band in bands
    ]
    return _add_version(connection, RuleSet.ROUTING, {routing_rules: rows}, created_by)


def replace_friction(connection: Connection, rules: FrictionRules, *, if_match: str | None, created_by: str) -> int:
    """Score and prompt by these rules from now on; the new version. Their own version and valid_from do not matter.

    Raises `RulesRefused`, `PreconditionRequired`, `PreconditionFailed`.
    """
    _require_unchanged(connection, RuleSet.FRICTION, if_match)
    in_force = load_rules(connection, clock.now())
    _refuse(
        friction_flaws(
            rules,
            categories=in_force.categories.names,
            taken_priorities=[rule.priority for rule in in_force.notifications.rules],
        )
    )
    return _add_version(connection, RuleSet.FRICTION, {friction_rules: _friction_rows(rules)}, created_by)


def replace_lines(
    connection: Connection, rule_set: RuleSet, lines: Lines, *, if_match: str | None, created_by: str
) -> int:
    """Decide by these lines of a plain set from now on; the new version.

    Raises `RulesRefused`, `PreconditionRequired`, `PreconditionFailed`.
    """
    _require_unchanged(connection, rule_set, if_match)
    _refuse(line_flaws(rule_set, lines, load_rules(connection, clock.now())))
    rows = {each.table: lines[each.name] for each in LINE_TABLES[rule_set]}
    return _add_version(connection, rule_set, rows, created_by)


def read_rows(connection: Connection, rule_set: RuleSet) -> dict[str, list[Line]]:
    """The lines of a plain set's newest version, in the order in which they are best read."""
    version = _newest(connection, rule_set)
    found = {}
    for each in LINE_TABLES[rule_set]:
        names = [field.name for field in each.fields]
        query = select(*(each.table.c[name] for name in names)).where(each.table.c.version == version)
        in_order = "priority" if "priority" in names else names[0]
        rows = connection.execute(query.order_by(each.table.c[in_order])).mappings()
        found[each.name] = [dict(row) for row in rows]
    return found


def _friction_rows(rules: FrictionRules) -> list[dict[str, Any]]:
    empty = dict.fromkeys(
        ("signal_type", "threshold", "weight", "action", "priority", "text_en", "text_hi", "issue_category")
    )
    scores = [
        {
            **empty,
            "kind": "SCORE",
            "code": score.code,
            "threshold": score.over,
            "weight": score.points,
            "issue_category": score.issue_category,
        }
        for score in rules.scores
    ]
    prompts: list[tuple[str, str, str | None, SignalRule | HelpRule]] = [
        ("SIGNAL", signal.signal_type, signal.signal_type, signal) for signal in rules.signals
    ]
    prompts.append(("HELP", "HELP", None, rules.help))
    return scores + [
        {
            **empty,
            "kind": kind,
            "code": code,
            "signal_type": signal_type,
            "threshold": rule.over,
            "action": rule.action,
            "priority": rule.priority,
            "text_en": rule.text.en,
            "text_hi": rule.text.hi,
            "issue_category": rule.issue_category,
        }
        for kind, code, signal_type, rule in prompts
    ]


def _require_unchanged(connection: Connection, rule_set: RuleSet, if_match: str | None) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE rule_versions IN SHARE ROW EXCLUSIVE MODE"))  # other processes replace too
    require_match(if_match, rules_etag(rule_set, _newest(connection, rule_set)), is_required=True)


def _newest(connection: Connection, rule_set: RuleSet) -> int:
    return connection.execute(
        select(func.max(rule_versions.c.version)).where(rule_versions.c.rule_set == rule_set)
    ).scalar_one()


def _refuse(flaws: Sequence[Flaw]) -> None:
    if flaws:
        raise RulesRefused(flaws)


def _add_version(
    connection: Connection, rule_set: RuleSet, rows_of: Mapping[Table, Sequence[Mapping[str, Any]]], created_by: str
) -> int:
    version = _newest(connection, rule_set) + 1
    connection.execute(
        insert(rule_versions).values(rule_set=rule_set, version=version, valid_from=clock.now(), created_by=created_by)
    )
    for table, rows in rows_of.items():
        if rows:
            connection.execute(insert(table), [{**row, "version": version} for row in rows])
    return version
