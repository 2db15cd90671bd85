"""What people typed on the desk, as the API's own inputs: the pages accept exactly what the API accepts. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from api.agent.schemas import ActionInput, ApprovalAnswer, NoteInput
from api.dashboard.session import Form
from api.errors import BadRequest
from api.problems import invalid_request
from store.enums import AgentAction

T = TypeVar("T")
_ACTIONS: TypeAdapter[ActionInput] = TypeAdapter(ActionInput)
_NOTES = TypeAdapter(NoteInput)
_FIELDS = (
    "discountCode",
    "guestCount",
    "eventDate",
    "agentId",
    "trigger",
    "reason",
    "issueCategory",
    "rootCause",
    "resolutionType",
    "orderImpact",
    "description",
    "itemId",
)
"""Taken as they are; empty ones are left out."""


def action_of(form: Form) -> ActionInput:
    """The action that a form asks for. Raises `BadRequest` with the fields that are wrong."""
    wanted: dict[str, Any] = {"action": form.get("action")}
    wanted |= {name: form[name] for name in _FIELDS if name in form}
    wanted |= {name: rupees_of(name, form[name]) for name in ("amount", "price") if name in form}
    if items := _items(form):
        wanted["items"] = items
    return validated(_ACTIONS, wanted)


def approved_action(approval: ApprovalAnswer) -> ActionInput:
    """The very action that was approved, to be sent again with its approval."""
    given = dict(approval.parameters)
    for name in ("amount", "price"):
        if (paise := given.pop(f"{name}Paise", None)) is not None:
            given[name] = Decimal(paise) / 100
    # A change of the order is off the catalogue by what it asks for; it is asked for as it was.
    action = AgentAction.MODIFY_ORDER if "items" in given else approval.action
    return validated(_ACTIONS, {**given, "action": action, "approvalId": approval.approval_id})


def note_of(form: Form, at: datetime) -> NoteInput:
    """A note, or a call that lasted some minutes and ended at this instant. Raises `BadRequest`."""
    wanted: dict[str, Any] = {"text": form.get("text")}
    if form.get("kind") == "CALL":
        minutes = form.get("minutes", "0")
        if not minutes.isdecimal() or int(minutes) > 480:
            raise BadRequest("minutes: should be a whole number, at most 480")
        started_at = at - timedelta(minutes=int(minutes))
        wanted |= {"kind": "CALL", "startedAt": started_at, "endedAt": at, "reached": form.get("reached") == "yes"}
    return validated(_NOTES, wanted)


def rupees_of(field: str, text: str) -> Decimal:
    """`25,000` and `25000.50` are amounts. Raises `BadRequest`."""
    try:
        return Decimal(text.replace(",", "").removeprefix("₹").strip())
    except InvalidOperation as error:
        raise BadRequest(f"{field}: should be a number of rupees") from error


def validated(kind: TypeAdapter[T] | type[T], values: Mapping[str, Any]) -> T:
    """The values as one of these. Raises `BadRequest` that names the fields."""
    adapter = kind if isinstance(kind, TypeAdapter) else TypeAdapter(kind)
    try:
        return adapter.validate_python(values)
    except ValidationError as error:
        raise invalid_request([{**each, "loc": ("form", *_named(each["loc"]))} for each in error.errors()]) from error


def _named(place: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Without the name of the chosen action, which stands first."""
    return place[1:] if place and place[0] in list(AgentAction) else place


def _items(form: Form) -> list[dict[str, Any]]:
    """Lines whose quantity was changed (`item:<id>` beside `was:<id>`), and the one that was added."""
    lines = [
        {"itemId": name.removeprefix("item:"), "quantity": quantity}
        for name, quantity in form.items()
        if name.startswith("item:") and quantity != form.get(f"was:{name.removeprefix('item:')}")
    ]
    if "newItem" in form:
        lines.append({"itemId": form["newItem"], "quantity": form.get("newQuantity", "1")})
    return lines
