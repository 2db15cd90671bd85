"""A day's requests, made up from a seed and recorded, to be played to any API and compared answer by answer.

Ids differ between two APIs, so a trace holds names instead: `id-7` is the seventh id that was told. The clock is the test's.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any

from api.escalation.service import fire_due
from api.notifications.service import expire_prompts
from api.rules.registry import load_rules
from store import clock
from store.enums import AgentAction, Channel, EventType, OrderImpact, Outcome, Role, SignalType
from store.session import Store
from tests.api.serving import AGENT_ID, SUPERVISOR_ID, Api
from tests.api.telling import CAKE, ROYAL, Clock

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[57][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_NAME = re.compile(r"\b(?:id|cursor)-\d+\b")
_OWN = {"key", "token", "incidenceEtag"}
"""Fields of each API's own: secrets, and what hashes ids."""
USERS = [f"user-{number}" for number in range(12)]
ORDERS = [f"order-{number}" for number in range(12)]
AGENTS = [AGENT_ID, SUPERVISOR_ID, "agent-tara"]
SCREENS = ["home", "menu", "comparison", "customization", "guest_count", "checkout", "payment", "nowhere"]
CATEGORIES = ["PRICE_CLARITY", "PAYMENT_PROBLEM", "NO_SUCH_CATEGORY"]
CAUSES = ["SYSTEM_BUG", "POLICY_EXCEPTION", "EMOTIONAL_CRITICAL"]
DESK = [Role.AGENT, Role.SUPERVISOR]


@dataclass(frozen=True)
class Step:
    """A request `after` the one before."""

    role: Role
    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    after: timedelta = timedelta()


@dataclass(frozen=True)
class Answer:
    status: int
    is_replay: bool
    media_type: str | None
    body: Any


class Player:
    """Sends steps to one API, and tells its answers with names for ids."""

    def __init__(self, api: Api, stopped: Clock) -> None:
        self._api = api
        self._clock = stopped
        self._names: dict[str, str] = {}
        self._told: dict[str, str] = {}

    def play(self, step: Step) -> Answer:
        if step.after:
            self._clock.go_on(seconds=step.after.total_seconds())
            let_run_out(self._api.store)
        headers = {"X-Request-ID": "trace", "Content-Type": "application/json", **step.headers}
        body = None if step.body is None else self._really(json.dumps(step.body))
        response = self._api.as_role(step.role).request(
            step.method, self._really(step.path), content=body, headers=headers
        )
        media_type = response.headers.get("Content-Type")
        body = response.json() if media_type and "json" in media_type else response.text
        return Answer(response.status_code, "Idempotent-Replay" in response.headers, media_type, self._named(body))

    def _really(self, text: str) -> str:
        return _NAME.sub(lambda found: self._told.get(found[0], found[0]), text)

    def _named(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {
                name: self._name(inner, "cursor") if name == "nextCursor" and inner else self._named(inner)
                for name, inner in sorted(value.items())  # PostgreSQL keeps documents in an order of its own
                if name not in _OWN
            }
        if isinstance(value, list):
            return [self._named(inner) for inner in value]
        if isinstance(value, str):
            return _ID.sub(lambda found: self._name(found[0], "id"), value)
        return value

    def _name(self, real: str, kind: str) -> str:
        if real not in self._names:
            name = f"{kind}-{len(self._names)}"
            self._names[real], self._told[name] = name, real
        return self._names[real]


def let_run_out(store: Store) -> None:
    """What the worker would do."""

    def change(connection: Any) -> None:
        at = clock.now()
        rules = load_rules(connection, at)
        fire_due(connection, rules, at)
        expire_prompts(connection, rules, at, 1_000)

    store.write(change)


def record(player: Player, count: int, seed: int) -> list[tuple[Step, Answer]]:
    """Make up a trace: what is asked next may be about what was told before."""
    rng, known = Random(seed), Known()
    told = []
    for _ in range(count):
        step = make_step(rng, known)
        answer = player.play(step)
        known.learn(answer.body)
        told.append((step, answer))
        if "Idempotency-Key" in step.headers and rng.random() < 0.3:
            told.append((step, player.play(step)))
    return told


class Known(dict[str, list[str]]):
    """The names of what was told, by the field that told them."""

    FIELDS = ("incidenceId", "approvalId", "promptId", "keyId", "nextCursor", "requestId")

    def learn(self, body: Any) -> None:
        if isinstance(body, dict):
            for name, value in body.items():
                if name in self.FIELDS and isinstance(value, str) and value not in self.setdefault(name, []):
                    self[name].append(value)
                self.learn(value)
        elif isinstance(body, list):
            for inner in body:
                self.learn(inner)

    def one(self, rng: Random, name: str) -> str:
        """A recent one mostly; now and then one that there never was."""
        there = self.get(name, [])[-20:]
        return rng.choice(there) if there and rng.random() < 0.97 else "01a1f3a2-7c41-7e11-8f5e-5b0c5f0d2f11"


def make_step(rng: Random, known: Known) -> Step:
    """One of what an app, a desk and an admin do all day."""
    (make,) = rng.choices(list(MAKERS), weights=list(MAKERS.values()))
    step: Step = make(rng, known)
    headers = {"Idempotency-Key": f"key-{rng.randrange(10**6)}"} if step.method == "POST" and rng.random() < 0.5 else {}
    after = timedelta(seconds=rng.choice([0, 0, 1, 7, 40, 130]))
    return replace(step, headers={**headers, **step.headers}, after=after)


def show_screen(rng: Random, _: Known) -> Step:
    body = {"currentScreen": rng.choice(SCREENS), "clientSeq": rng.choice([None, rng.randrange(1_000)])}
    return Step(Role.APP, "PUT", f"/context/{rng.choice(USERS)}/screen", body)


def fill_cart(rng: Random, _: Known) -> Step:
    items = [
        {"itemId": rng.choice([ROYAL, CAKE, "unknown"]), "quantity": rng.randint(1, 60)}
        for _ in range(rng.randrange(3))
    ]
    body = {
        "cartItems": items,
        "guestCount": rng.choice([None, 20, 150]),
        "eventType": rng.choice([None, *EventType]),
        "eventDate": rng.choice([None, "2026-12-24"]),
    }
    return Step(Role.APP, "PUT", f"/context/{rng.choice(USERS)}/cart", body)


def tell_profile(rng: Random, _: Known) -> Step:
    body = {"name": "मीरा", "tier": rng.choice(["GOLD", "SILVER", "BRONZE"]), "priorOrderCount": rng.randrange(3)}
    return Step(Role.APP, "PUT", f"/context/{rng.choice(USERS)}/profile", body)


def send_signals(rng: Random, _: Known) -> Step:
    user = rng.choice(USERS)
    signals = [
        {"clientEventId": f"e-{rng.randrange(2_000)}", "signalType": rng.choice([*SignalType, "NEW_ONE"]), "value": rng.choice([None, 0, 90.5, 200])}
        for _ in range(rng.randint(1, 8))
    ]  # fmt: skip
    if rng.random() < 0.5:
        return Step(Role.APP, "POST", f"/context/{user}/signals", signals)
    return Step(Role.APP, "POST", "/friction/signals", [{**signal, "userId": user} for signal in signals])


def ask_for_help(rng: Random, known: Known) -> Step:
    body: dict[str, Any] = {"userId": rng.choice(USERS), "stage": rng.choice(["PRE_ORDER", "PRE_ORDER", "POST_ORDER"])}
    if rng.random() < 0.3:
        body["channel"] = rng.choice([*Channel])
    if rng.random() < 0.2:
        body["orderId"] = rng.choice(ORDERS)
    if rng.random() < 0.1:
        body["promptId"] = known.one(rng, "promptId")
    return Step(Role.APP, "POST", "/incidences", body)


def patch_incidence(rng: Random, known: Known) -> Step:
    body: dict[str, Any] = {"rootCause": rng.choice(["PRICE", "नहीं मिला", None])}
    if rng.random() < 0.5:
        body["outcome"] = rng.choice([None, *Outcome])
    if rng.random() < 0.5:
        body |= {"issueCategory": rng.choice(CATEGORIES), "orderImpact": rng.choice([*OrderImpact])}
    if rng.random() < 0.1:
        body["orderId"] = rng.choice(ORDERS)
    headers = {"If-Match": '"stale"'} if rng.random() < 0.05 else {}
    return Step(rng.choice(DESK), "PATCH", f"/incidences/{known.one(rng, 'incidenceId')}", body, headers)


def act(rng: Random, known: Known) -> Step:
    action = rng.choice(list(AgentAction))
    body: dict[str, Any] = {"action": action}
    if action in {AgentAction.APPLY_DISCOUNT, AgentAction.MANUAL_DISCOUNT_OVER_LIMIT}:
        body |= {"amount": rng.choice([100, 999.5, 60_000])}
    elif action is AgentAction.MODIFY_ORDER:
        body |= {"guestCount": rng.choice([80, 0]), "items": [{"itemId": rng.choice([CAKE, "unknown"]), "quantity": 2}]}
    elif action is AgentAction.ESCALATE:
        body |= {"trigger": rng.choice(CAUSES), "reason": "asked"}
    elif action is AgentAction.REASSIGN:
        body |= {"agentId": rng.choice([None, *AGENTS])}
    elif action in {AgentAction.CLOSE_RESOLVED, AgentAction.CLOSE_DROPPED}:
        body |= {"issueCategory": rng.choice(CATEGORIES)}
    if rng.random() < 0.1:
        body["approvalId"] = known.one(rng, "approvalId")
    return Step(rng.choice(DESK), "POST", f"/agent/actions/{known.one(rng, 'incidenceId')}", body)


def note(rng: Random, known: Known) -> Step:
    body = {"text": rng.choice(["Guaranteed refund, I promise.", "सबसे अच्छा ऑफर", "ok"])}
    if rng.random() < 0.3:
        body = {"kind": "CALL", "startedAt": "2026-11-23T06:00:00Z", "endedAt": "2026-11-23T06:04:00Z", "reached": True}
    return Step(rng.choice(DESK), "POST", f"/agent/notes/{known.one(rng, 'incidenceId')}", body)


def tell_order(rng: Random, _: Known) -> Step:
    order = rng.choice(ORDERS)
    body = {
        "userId": f"user-{order.partition('-')[2]}" if rng.random() < 0.9 else rng.choice(USERS),
        "status": rng.choice(["PLACED", "PLACED", "MODIFIED", "CANCELLED"]),
        "orderValue": rng.choice([0, 4_999.99, 5_000, 25_000, 50_000.01, 71_000]),
        "items": [{"itemId": ROYAL}],
    }
    return Step(Role.APP, "PUT", f"/orders/{order}", body)


def decide_change(rng: Random, known: Known) -> Step:
    body = {"status": rng.choice(["APPLIED", "REFUSED"])}
    return Step(Role.APP, "POST", f"/orders/{rng.choice(ORDERS)}/changes/{known.one(rng, 'requestId')}", body)


def decide_approval(rng: Random, known: Known) -> Step:
    body = {"isApproved": rng.random() < 0.7}
    return Step(Role.SUPERVISOR, "POST", f"/agent/approvals/{known.one(rng, 'approvalId')}", body)


def come_or_go(rng: Random, _: Known) -> Step:
    body = {"status": rng.choice(["AVAILABLE", "AVAILABLE", "BUSY", "AWAY"])}
    return Step(Role.SUPERVISOR, "PUT", f"/agents/{rng.choice(AGENTS)}/status", body)


def manage_agent(rng: Random, _: Known) -> Step:
    if rng.random() < 0.3:
        body: dict[str, Any] = {"agentId": "agent-tara", "name": "Tara", "levels": ["AGENT", "TECH_TEAM"]}
        return Step(Role.ADMIN, "POST", "/agents", body)
    body = {
        "openLimit": rng.randint(0, 6),
        "levels": rng.sample(["AGENT", "SENIOR_AGENT", "TECH_TEAM", "SUPERVISOR"], 2),
    }
    return Step(Role.ADMIN, "PATCH", f"/agents/{rng.choice(AGENTS)}", body)


def about_user(rng: Random, _: Known) -> Step:
    paths = ["/friction/detect", "/notifications/trigger", "/notifications/suppress/{}"]
    path, user = rng.choice(paths), rng.choice(USERS)
    return Step(Role.APP, "POST", path.format(user), None if "{}" in path else {"userId": user})


def escalate(rng: Random, known: Known) -> Step:
    body = {"incidenceId": known.one(rng, "incidenceId"), "reason": "it lasts"}
    if rng.random() < 0.5:
        return Step(rng.choice(DESK), "POST", "/channel/escalate", body)
    return Step(rng.choice(DESK), "POST", "/escalation/trigger", {**body, "trigger": rng.choice(CAUSES)})


def route(rng: Random, _: Known) -> Step:
    body = {
        "orderValue": rng.choice([None, 0, 4_999.99, 5_000, 25_000, -1, 1e12]),
        "eventType": rng.choice([None, *EventType]),
    }
    return Step(Role.APP, "POST", "/channel/route", body)


def write_rules(rng: Random, _: Known) -> Step:
    bands = [
        {"orderValueMin": 0, "orderValueMax": 6_000, "channels": []},
        {"orderValueMin": 6_000, "orderValueMax": None, "channels": ["CHAT"], "escalateAfterMinutes": 5},
    ]
    etag = f'"routing-{rng.randint(1, 4)}"'
    return Step(Role.ADMIN, "PUT", "/channel/rules", {"bands": bands[rng.randrange(2) :]}, {"If-Match": etag})


def read(rng: Random, known: Known) -> Step:
    incidence, user, order = known.one(rng, "incidenceId"), rng.choice(USERS), rng.choice(ORDERS)
    page = f"?limit={rng.choice([1, 3, 0])}" + (f"&cursor={known.one(rng, 'nextCursor')}" if rng.random() < 0.4 else "")
    role, path = rng.choice(
        [
            (Role.APP, f"/context/{user}"),
            (Role.APP, f"/incidences/{incidence}"),
            (Role.USER, f"/incidences/{incidence}"),
            (Role.APP, f"/incidences/user/{user}{page}"),
            (Role.ADMIN, f"/incidences/order/{order}{page}"),
            (Role.AGENT, f"/agent/dashboard/{incidence}"),
            (Role.SUPERVISOR, f"/escalation/queue{page}"),
            (Role.SUPERVISOR, f"/agent/approvals{page}"),
            (Role.APP, f"/orders/{order}"),
            (Role.AGENT, f"/orders/{order}/changes"),
            (Role.ADMIN, "/agents"),
            (Role.ADMIN, "/tokens/keys"),
            (Role.APP, f"/{rng.choice(['channel', 'escalation', 'notifications'])}/rules"),
            (Role.ANALYST, "/friction/thresholds"),
            (Role.INVESTOR, "/agents"),
        ]
    )
    return Step(role, "GET", path)


MAKERS: dict[Callable[[Random, Known], Step], int] = {
    read: 20,
    send_signals: 14,
    show_screen: 12,
    fill_cart: 10,
    ask_for_help: 10,
    about_user: 10,
    patch_incidence: 8,
    act: 10,
    note: 5,
    tell_order: 6,
    escalate: 4,
    come_or_go: 5,
    decide_change: 2,
    decide_approval: 2,
    manage_agent: 2,
    tell_profile: 3,
    route: 3,
    write_rules: 1,
}
"""How often each happens, beside the others."""
