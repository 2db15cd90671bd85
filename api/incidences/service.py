"""What the routes of incidences do: each a function of a connection, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select
from sqlalchemy.exc import IntegrityError

from api.channel.rules import routed
from api.errors import BadRequest, Conflict, NotFound
from api.etags import require_match
from api.idempotency import Answered
from api.incidences.closing import OrderMissing, close_incidence
from api.incidences.reading import IncidenceAlreadyClosed, get_incidence, has_order, lock_incidence, require_not_merged
from api.incidences.reopening import reopen_incidence
from api.incidences.rules import WORKED_ON, status_of
from api.incidences.schemas import IncidenceAnswer, IncidenceInput, IncidencePatch
from api.incidences.starting import StartIncidence, start_incidences
from api.incidences.timeline import Actor, append_event
from api.incidences.work import ChannelNotAllowed, change_incidence
from api.notifications.service import accept_prompt
from api.rules.sets import Rules
from store import clock
from store.enums import IncidenceTrigger, TimelineEvent
from store.tables import prompts

CLOSING = ("issue_category", "root_cause", "resolution_type", "order_impact")
DETAILS = ("app_screen", "user_inputs", "selected_items")


class OpenIncidenceExists(Conflict):
    code = "open_incidence_exists"
    remedy = "Go on in the open incidence of that order."


@dataclass(frozen=True, slots=True)
class Creation:
    """What one caller wants, and for whom."""

    wanted: IncidenceInput
    user_id: str
    actor: Actor


def create_all(connection: Connection, rules: Rules, creations: Sequence[Creation]) -> list[Answered]:
    """For each 201 with the new incidence, or 200 with the open one that it joined."""
    at = clock.now()
    for creation in creations:
        require_category(rules, creation.wanted.issue_category)
        if creation.wanted.prompt_id is not None:
            _require_prompt(connection, creation.wanted.prompt_id, creation.user_id)
    all_started = start_incidences(connection, rules, [_start_of(creation) for creation in creations], at)
    answers = []
    for creation, started in zip(creations, all_started, strict=True):
        if creation.wanted.prompt_id is not None:
            accept_prompt(connection, creation.wanted.prompt_id, started.incidence_id, at)
        row = started.row or get_incidence(connection, started.incidence_id)
        answers.append(Answered(IncidenceAnswer.of(row), 200 if started.joined else 201))
    return answers


def change(
    connection: Connection,
    rules: Rules,
    incidence_id: str,
    wanted: IncidencePatch,
    *,
    actor: Actor,
    if_match: str | None,
) -> IncidenceAnswer:
    """Write what is given, then end or reopen it if `outcome` is given.

    Raises `NotFound`, `PreconditionFailed`, `IncidenceMerged`, `IncidenceAlreadyClosed`, `ChannelNotAllowed`, `OrderMissing`.
    """
    at = clock.now()
    row = lock_incidence(connection, incidence_id)
    require_match(if_match, IncidenceAnswer.of(row).etag)
    require_not_merged(row)
    require_category(rules, wanted.issue_category)
    given = wanted.model_fields_set
    values: dict[str, Any] = {name: getattr(wanted, name) for name in (*CLOSING, *DETAILS) if name in given}
    if wanted.order_id is not None and wanted.order_id != row.order_id:
        if not has_order(connection, row.user_id, wanted.order_id):
            raise OrderMissing(f"The user has no order {wanted.order_id}.")
        values["order_id"] = wanted.order_id
    if wanted.channel is not None and wanted.channel != row.channel:
        values["channel"] = _allowed(row, wanted)
    changed = {name: value for name, value in values.items() if value != getattr(row, name)}
    if changed:
        _write(connection, row, changed, actor, at)
    if "outcome" in given and wanted.outcome != row.outcome:
        if wanted.outcome is None:
            reopen_incidence(connection, rules, incidence_id, actor=actor, at=at)
        elif row.outcome is not None:
            raise IncidenceAlreadyClosed(f"It ended {row.outcome}.", outcome=row.outcome)
        else:
            close_incidence(connection, incidence_id, outcome=wanted.outcome, actor=actor, at=at)
    return IncidenceAnswer.of(get_incidence(connection, incidence_id))


def require_category(rules: Rules, code: str | None) -> None:
    """Raises `BadRequest` for an issue category that no rule knows."""
    if code is not None and code not in rules.categories.names:
        raise BadRequest(
            f"issueCategory: {code} is no known category", remedy=f"Use one of {', '.join(rules.categories.names)}."
        )


def _start_of(creation: Creation) -> StartIncidence:
    wanted = creation.wanted
    return StartIncidence(
        user_id=creation.user_id,
        stage=wanted.stage,
        trigger=IncidenceTrigger.SYSTEM_INITIATED if wanted.prompt_id else wanted.trigger,
        channel=wanted.channel,
        order_id=wanted.order_id,
        app_screen=wanted.app_screen,
        user_inputs=wanted.user_inputs,
        selected_items=wanted.selected_items,
        prompt_id=wanted.prompt_id,
        issue_category=wanted.issue_category,
        actor=creation.actor,
    )


def _allowed(row: Row[Any], wanted: IncidencePatch) -> str:
    assert wanted.channel is not None  # noqa: S101 - the caller asked for one
    if status_of(row) not in WORKED_ON or routed(wanted.channel) not in row.allowed_channels:
        raise ChannelNotAllowed(wanted.channel, row.allowed_channels, ())
    return wanted.channel


def _write(connection: Connection, row: Row[Any], changed: dict[str, Any], actor: Actor, at: Any) -> None:
    try:
        with connection.begin_nested():
            change_incidence(connection, row.incidence_id, {**changed, "updated_at": at})
    except IntegrityError as error:
        raise OpenIncidenceExists("Another incidence of this order is open.") from error
    append_event(
        connection,
        row.incidence_id,
        TimelineEvent.UPDATED,
        actor,
        at,
        channel=changed.get("channel", row.channel),
        status_after=status_of(row),
        details={"fields": sorted(changed)},
    )


def _require_prompt(connection: Connection, prompt_id: str, user_id: str) -> None:
    if connection.execute(_PROMPT_OWNER, {"id": prompt_id}).scalar_one_or_none() != user_id:
        raise NotFound("There is no such prompt, or it is not the user's.")


_PROMPT_OWNER = select(prompts.c.user_id).where(prompts.c.prompt_id == bindparam("id"))
