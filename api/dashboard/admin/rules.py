"""/admin/rules: each set in force, its history, and a change that shows what it does first."""

from collections import Counter
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request

from api.dashboard.admin.tables import band_table, compare, friction_table, table_of
from api.dashboard.desk.forms import rupees_of, validated
from api.dashboard.pages import PageRoute, go_to, render
from api.dashboard.session import AdminViewer, Form, PostedForm
from api.deps import CurrentRules, RegistryDep, StoreDep
from api.errors import BadRequest, NotFound, PreconditionFailed, Problem
from api.rules.checks import Flaw, band_flaws, friction_flaws
from api.rules.history import friction_effect, read_versions, routing_effect
from api.rules.line_checks import line_flaws
from api.rules.lines import LINE_TABLES, Line, LineTable, line_numbers, read_lines, typed
from api.rules.registry import load_rules
from api.rules.schemas import RoutingInput, ThresholdsAnswer, ThresholdsInput
from api.rules.service import read_rows, replace_bands, replace_friction, replace_lines, rules_etag
from api.rules.sets import Band, FrictionRules, Rules
from store import clock
from store.enums import RoutedChannel, RuleSet
from store.session import Store

router = APIRouter(prefix="/admin/rules", route_class=PageRoute, include_in_schema=False)
SetName = Annotated[str, Path(alias="ruleSet", max_length=40)]
MOST_BANDS = 50
Wanted = FrictionRules | list[Band] | dict[str, list[Line]]


@router.get("")
async def show_sets(viewer: AdminViewer, request: Request, store: StoreDep):
    """Every set with the version in force."""
    with store.read() as connection:
        versions = {rule_set: read_versions(connection, rule_set) for rule_set in RuleSet}
    return render(request, "admin/rules.html", viewer, versions=versions)


@router.get("/{ruleSet}")
async def show_set(
    set_name: SetName,
    viewer: AdminViewer,
    request: Request,
    store: StoreDep,
    rules: CurrentRules,
    version: Annotated[int | None, Query(ge=1)] = None,
):
    """The set in force; with `version`, what an older one said against the one before it."""
    rule_set = _rule_set(set_name)
    with store.read() as connection:
        versions = read_versions(connection, rule_set)
        shown = next((each for each in versions if each.version == version), None)
        if version is not None and shown is None:
            raise NotFound(f"There is no version {version} of these rules.")
        past = load_rules(connection, shown.valid_from) if shown is not None else rules
        before = next((each for each in versions if shown is not None and each.version == shown.version - 1), None)
        older = load_rules(connection, before.valid_from) if before is not None else past
    return render(
        request,
        "admin/rule_set.html",
        viewer,
        rule_set=rule_set,
        versions=versions,
        shown=shown,
        compared=compare(table_of(rule_set, older), table_of(rule_set, past)),
        columns=table_of(rule_set, past).columns,
        etag=rules_etag(rule_set, versions[0].version),
        **_form_of(store, rule_set, rules, None if version is None else ()),
        **_NOTHING_ASKED,
    )


@router.post("/{ruleSet}")
async def post_set(
    set_name: SetName, viewer: AdminViewer, request: Request, store: StoreDep, registry: RegistryDep, form: PostedForm
):
    """Show what a change would do (`do=preview`), or put it in force (`do=save`) if nobody else has changed it since."""
    rule_set = _rule_set(set_name)
    rules, etag, problem = registry.current(), form.get("etag"), None
    wanted, flaws = _wanted(rule_set, rules, form)
    if form.get("do") == "save" and wanted is not None and not flaws:
        try:
            seen = {"if_match": etag, "created_by": viewer.principal.key_id}
            if isinstance(wanted, FrictionRules):
                await store.writer.submit(replace_friction, wanted, **seen)
            elif isinstance(wanted, list):
                await store.writer.submit(replace_bands, wanted, **seen)
            else:
                await store.writer.submit(replace_lines, rule_set, wanted, **seen)
            registry.renew()
            return go_to(f"/admin/rules/{set_name}")
        except PreconditionFailed as stale:
            problem, rules = stale, registry.renew()
    return _preview(request, viewer, store, rule_set, rules, form, wanted, flaws, problem)


_NOTHING_ASKED: dict[str, Any] = {"marks": {}, "flaws": [], "problem": None, "effect": None, "is_preview": False}


def _preview(
    request: Request,
    viewer: AdminViewer,
    store: Store,
    rule_set: RuleSet,
    rules: Rules,
    form: Form,
    wanted: Wanted | None,
    flaws: list[Flaw],
    problem: Problem | None,
):
    with store.read() as connection:
        versions = read_versions(connection, rule_set)
        effect = None
        now = then = table_of(rule_set, rules)
        if wanted is None or flaws:
            pass
        elif isinstance(wanted, FrictionRules):
            effect = friction_effect(connection, rules.friction, wanted)
            then = friction_table(wanted)
        elif isinstance(wanted, list):
            always = rules.policies.always_assisted_event_types
            effect = routing_effect(connection, rules.routing.bands, wanted, always)
            then = band_table(wanted)
        else:
            then = table_of(rule_set, load_rules(connection, clock.now(), {rule_set: wanted}))
    compared = compare(now, then)
    return render(
        request,
        "admin/rule_set.html",
        viewer,
        status=412 if problem is not None else 422 if flaws else 200,
        rule_set=rule_set,
        versions=versions,
        shown=None,
        compared=compared,
        marks=Counter(row.mark for row in compared),
        columns=now.columns,
        etag=rules_etag(rule_set, versions[0].version),
        flaws=flaws,
        problem=problem,
        effect=effect,
        is_preview=True,
        **_form_of(store, rule_set, rules, form),
    )


def _wanted(rule_set: RuleSet, rules: Rules, form: Form) -> tuple[Wanted | None, list[Flaw]]:
    """What the form asks for and what is wrong with it; None if it cannot even be read."""
    if rule_set in LINE_TABLES:
        lines, flaws = read_lines(rule_set, form)
        return (None, flaws) if flaws else (lines, line_flaws(rule_set, lines, rules))
    try:
        if rule_set is RuleSet.ROUTING:
            bands = [band.band() for band in validated(RoutingInput, {"bands": _bands(form)}).bands]
            return bands, band_flaws(bands)
        friction = validated(ThresholdsInput, _thresholds(rules, form)).rules()
        taken = [rule.priority for rule in rules.notifications.rules]
        return friction, friction_flaws(friction, categories=rules.categories.names, taken_priorities=taken)
    except BadRequest as error:
        told = [Flaw(str(each["field"]), str(each["message"])) for each in error.errors]
        return None, told or [Flaw("", error.detail)]


def _form_of(store: Store, rule_set: RuleSet, rules: Rules, form: Form | tuple[()] | None) -> dict[str, Any]:
    """What stands in the form: what was sent, else the rules in force. Nothing for an older version."""
    lines: Any = None
    if rule_set in LINE_TABLES and form != ():
        if not form:
            with store.read() as connection:
                form = Form(urlencode(typed(rule_set, read_rows(connection, rule_set))).encode())
        lines = [(each, _numbers(each, form), form) for each in LINE_TABLES[rule_set]]
    elif rule_set is RuleSet.ROUTING and form != ():
        lines = _bands(form, is_kept=True) if form else [_band_line(band) for band in rules.routing.bands]
        lines = [*lines, {"min": "", "max": "", "channels": (), "minutes": ""}]
    elif rule_set is RuleSet.FRICTION and form != ():
        lines = _thresholds(rules, form or None)
    return {"lines": lines}


def _numbers(of: LineTable, form: Form) -> list[int]:
    """Of the lines of the form, and of one more where there may be more."""
    numbers = line_numbers(of, form)
    return numbers if of.is_fixed else [*numbers, max(numbers, default=-1) + 1]


def _band_line(band: Band) -> dict[str, Any]:
    minutes = band.escalate_after_seconds
    return {
        "min": f"{band.min_paise / 100:g}",
        "max": "" if band.max_paise is None else f"{band.max_paise / 100:g}",
        "channels": band.channels,
        "minutes": "" if minutes is None else f"{minutes // 60}",
    }


def _bands(form: Form, *, is_kept: bool = False) -> list[dict[str, Any]]:
    """The lines that say where they begin: for the API, or as they were typed."""
    found = []
    for number in range(MOST_BANDS):
        begin, end = form.get(f"bands.{number}.min"), form.get(f"bands.{number}.max")
        minutes = form.get(f"bands.{number}.minutes")
        channels = [channel for channel in RoutedChannel if channel in form.all(f"bands.{number}.channels")]
        if begin is None:
            continue
        if is_kept:
            found.append({"min": begin, "max": end or "", "channels": channels, "minutes": minutes or ""})
            continue
        found.append(
            {
                "orderValueMin": rupees_of(f"bands.{number}.orderValueMin", begin),
                "orderValueMax": rupees_of(f"bands.{number}.orderValueMax", end) if end else None,
                "channels": channels,
                "escalateAfterMinutes": minutes,
            }
        )
    return found


def _thresholds(rules: Rules, form: Form | None) -> dict[str, Any]:
    """The set in force as the API takes it, with what the form says instead (`scores.0.points`)."""
    given = ThresholdsAnswer.of(rules.friction).model_dump(mode="json", exclude={"version", "valid_from"})
    for name, value in (form or {}).items():
        *place, last = name.split(".")
        target: Any = given
        for part in place:
            if isinstance(target, list):
                target = target[int(part)] if part.isdecimal() and int(part) < len(target) else None
            else:
                target = target.get(part) if isinstance(target, dict) else None
        if place and isinstance(target, dict) and last in target:
            target[last] = value
    return given


def _rule_set(name: str) -> RuleSet:
    known = {rule_set.lower().replace("_", "-"): rule_set for rule_set in RuleSet}
    if name not in known:
        raise NotFound("There are no such rules.", remedy="/admin/rules lists them.")
    return known[name]
