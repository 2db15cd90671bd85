"""GET and PUT /friction/thresholds and /channel/rules, GET /escalation/rules and /notifications/rules."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from api.auth import requires
from api.deps import CurrentRules, IfMatch, IfNoneMatch, RegistryDep, StoreDep
from api.errors import BadRequest
from api.etags import is_known
from api.rules.schemas import (
    EscalationRulesAnswer,
    NotificationRulesAnswer,
    RoutingAnswer,
    RoutingInput,
    ThresholdsAnswer,
    ThresholdsInput,
    Versioned,
)
from api.rules.service import replace_bands, replace_friction, rules_etag
from api.rules.sets import DURATION_SIGNALS
from api.tokens.keyring import Principal
from store.enums import Role, RuleSet

router = APIRouter(tags=["rules"])
READERS = [Depends(requires(Role.APP, Role.AGENT, Role.SUPERVISOR, Role.ADMIN, Role.ANALYST))]
Admin = Annotated[Principal, Depends(requires(Role.ADMIN))]


def _answer(rule_set: RuleSet, answer: Versioned, known_etag: str | None = None) -> Response:
    etag = rules_etag(rule_set, answer.version)
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if is_known(known_etag, etag):
        return Response(status_code=304, headers=headers)
    return Response(answer.model_dump_json(), media_type="application/json", headers=headers)


@router.get("/friction/thresholds", dependencies=READERS, response_model=ThresholdsAnswer)
async def get_thresholds(rules: CurrentRules, known_etag: IfNoneMatch = None) -> Response:
    """When a signal makes help due, what the friction score is made of, and when it is high. The ETag is for the PUT."""
    return _answer(RuleSet.FRICTION, ThresholdsAnswer.of(rules.friction), known_etag)


@router.put("/friction/thresholds", response_model=ThresholdsAnswer)
async def put_thresholds(
    wanted: ThresholdsInput, caller: Admin, store: StoreDep, registry: RegistryDep, if_match: IfMatch = None
) -> Response:
    """Replace the whole set at once; decisions from now on are made by it. `If-Match` is required."""
    for number, threshold in enumerate(wanted.thresholds):
        if threshold.unit is not None and (threshold.unit == "SECONDS") != (threshold.signal in DURATION_SIGNALS):
            raise BadRequest(f"thresholds.{number}.unit: {threshold.signal} is not measured in {threshold.unit}")
    await store.writer.submit(replace_friction, wanted.rules(), if_match=if_match, created_by=caller.key_id)
    return _answer(RuleSet.FRICTION, ThresholdsAnswer.of(registry.renew().friction))


@router.get("/channel/rules", dependencies=READERS, response_model=RoutingAnswer)
async def get_routing_rules(rules: CurrentRules, known_etag: IfNoneMatch = None) -> Response:
    """Which channels an order's value opens. The ETag is for the PUT."""
    answer = RoutingAnswer.of(rules.routing, rules.policies.always_assisted_event_types)
    return _answer(RuleSet.ROUTING, answer, known_etag)


@router.put("/channel/rules", response_model=RoutingAnswer)
async def put_routing_rules(
    wanted: RoutingInput, caller: Admin, store: StoreDep, registry: RegistryDep, if_match: IfMatch = None
) -> Response:
    """Replace all bands at once; they must cover every order value once, rising. `If-Match` is required."""
    bands = [band.band() for band in wanted.bands]
    await store.writer.submit(replace_bands, bands, if_match=if_match, created_by=caller.key_id)
    rules = registry.renew()
    return _answer(RuleSet.ROUTING, RoutingAnswer.of(rules.routing, rules.policies.always_assisted_event_types))


@router.get("/escalation/rules", dependencies=READERS, response_model=EscalationRulesAnswer)
async def get_escalation_rules(rules: CurrentRules, known_etag: IfNoneMatch = None) -> Response:
    """What makes an incidence somebody else's, and whose."""
    return _answer(RuleSet.ESCALATION, EscalationRulesAnswer.of(rules.escalation), known_etag)


@router.get("/notifications/rules", dependencies=READERS, response_model=NotificationRulesAnswer)
async def get_notification_rules(rules: CurrentRules, known_etag: IfNoneMatch = None) -> Response:
    """Where and when the app offers help, with the words it uses."""
    return _answer(RuleSet.NOTIFICATION, NotificationRulesAnswer.of(rules.notifications), known_etag)
