"""Erasing a person: what they are called and what they wrote leaves the operational store; ids, times and amounts stay.

Nothing personal is anywhere else: what the extract and the imports leave behind is declared in `ingestion/contracts.py`,
and what is erased here is the same declaration.
"""

import json
import mmap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Table, Text, and_, cast, delete, exists, null, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from ingestion.contracts import PERSONAL
from store import clock
from store.enums import OutboxState, WebhookState
from store.erasures import Erasures, append_erasures, erasures_file, note_erasure
from store.scrubbing import scrub
from store.session import open_store
from store.settings import Settings
from store.tables import (
    idempotency_keys,
    incidences,
    metadata,
    outbox,
    platform_conversations,
    platform_identities,
    users,
    webhook_events,
)

NOT_OF_USERS = frozenset({"agents", "recommendation_states"})
"""Tables with personal columns in which no row belongs to a user."""
_ALSO = {"webhook_events": frozenset({"redacted_body"})}
"""What the extract may carry, and an erased person still need not leave."""
_SHORTEST_TRACE = 4
_SMALLEST_ID = 100_000
"""A number below it in a body is more likely a count than whose it is."""


class UserUnknown(Exception):
    """Nothing in the operational store has this user id."""

    remedy = "userId is the app's own id, or <platform>:<contact id> for somebody known from a chat only."


@dataclass(frozen=True, slots=True)
class Erased:
    """What one erasure did: rows changed by table, and files under var/ that still hold something of the person."""

    row_counts: Mapping[str, int]
    files_left: tuple[Path, ...]
    files_unread: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class _Person:
    """The ids that one person has, here and on chat platforms."""

    user_ids: tuple[str, ...]
    contacts: tuple[tuple[str, str], ...]


def erase(settings: Settings, user_id: str, progress: Callable[[str], None] = lambda _line: None) -> Erased:
    """Erase one user for good, while the store is in use. A second time finds nothing more to do.

    The record in `var/erasures.jsonl` comes first, so that a crash leaves a person to be erased again and never one who
    comes back. Raises `UserUnknown`, and `StillInUse` if earlier bytes could not be cleaned away yet.
    """
    at = clock.now()
    with open_store(settings) as store:
        with store.read() as connection:
            person = _find(connection, user_id)
            traces = _traces(connection, person)
        append_erasures(erasures_file(settings), {user_id: at})
        counts = store.write(_erase_rows, user_id, at)
    for table, count in sorted(counts.items()):
        progress(f"{table}: {count:,} rows")
    scrub(settings.operations_url, _touched_tables())
    progress("the store's files are written anew")
    files = list(_other_files(settings))
    return Erased(
        counts,
        tuple(file for file in files if _holds(file, traces, user_id if settings.landing_dir in file.parents else "")),
        tuple(file for file in files if file.suffix == ".parquet"),
    )


def erase_again(settings: Settings, erased: Erasures) -> None:
    """Apply erasures to a restored store, each as of its first time; users whom it does not know are only noted."""
    if not erased:
        return
    with open_store(settings) as store:
        for user_id, at in sorted(erased.items()):
            store.write(_erase_rows, user_id, at)
    scrub(settings.operations_url, _touched_tables())


def _erase_rows(connection: Connection, user_id: str, at: datetime) -> dict[str, int]:
    person = _person(connection, user_id)
    counts: dict[str, int] = {}
    _drop_unread_events(connection, person, at)
    _withdraw(connection, person, at)
    for name, columns in _erased_columns().items():
        table = metadata.tables[name]
        filled = or_(*(_is_filled(table.c[column]) for column in columns))
        values = {column: _blank(table.c[column]) for column in columns}
        counts[name] = connection.execute(update(table).where(_is_of(table, person), filled).values(values)).rowcount
    counts["platform_conversations"] = connection.execute(
        update(platform_conversations)
        .where(_is_of_contact(platform_conversations, person), platform_conversations.c.platform_user_id.is_not(None))
        .values(platform_user_id=None)
    ).rowcount
    counts["platform_identities"] = connection.execute(
        delete(platform_identities).where(_is_of_contact(platform_identities, person))
    ).rowcount
    # Any answer may repeat what was asked; all are short-lived.
    counts["idempotency_keys"] = connection.execute(delete(idempotency_keys)).rowcount
    note_erasure(connection, user_id, at)
    return {name: count for name, count in counts.items() if count}


def _drop_unread_events(connection: Connection, person: _Person, at: datetime) -> None:
    """Events that nobody has read yet, or could, belong to no conversation: their bodies say whose they are."""
    known = {*person.user_ids, *(contact for _, contact in person.contacts)}
    known |= set(connection.execute(select(users.c.phone).where(users.c.user_id.in_(person.user_ids))).scalars())
    unread = connection.execute(
        select(webhook_events.c.event_id, webhook_events.c.body).where(
            webhook_events.c.incidence_id.is_(None), webhook_events.c.body.is_not(None)
        )
    )
    theirs = [row.event_id for row in unread if known & _words(row.body)]
    for event_id in theirs:
        connection.execute(
            update(webhook_events)
            .where(webhook_events.c.event_id == event_id)
            .values(body=None, redacted_body=null(), failure=None, state=WebhookState.IGNORED, processed_at=at)
        )


def _words(body: bytes) -> set[str]:
    """Every text and long number of a JSON document, each for itself; none of what is no document."""
    try:
        waiting = [json.loads(body)]
    except (ValueError, RecursionError):
        return set()
    words: set[str] = set()
    while waiting:
        match waiting.pop():
            case dict() as members:
                waiting.extend(members.values())
            case list() as items:
                waiting.extend(items)
            case str() as word:
                words.add(word)
            case int() as number if number >= _SMALLEST_ID:
                words.add(str(number))
    return words


def _withdraw(connection: Connection, person: _Person, at: datetime) -> None:
    """What still waits to be read or sent has nothing in it any more: it must not be."""
    connection.execute(
        update(webhook_events)
        .where(_is_of(webhook_events, person), webhook_events.c.state != WebhookState.APPLIED)
        .values(state=WebhookState.IGNORED, processed_at=at)
    )
    connection.execute(
        update(outbox)
        .where(_is_of(outbox, person), outbox.c.state == OutboxState.PENDING)
        .values(state=OutboxState.EXPIRED)
    )


def _erased_columns() -> dict[str, frozenset[str]]:
    return {
        name: columns | _ALSO.get(name, frozenset()) for name, columns in PERSONAL.items() if name not in NOT_OF_USERS
    }


def _touched_tables() -> set[str]:
    return {*_erased_columns(), "platform_conversations", "platform_identities", "idempotency_keys"}


def _blank(column: Column[Any]) -> Any:
    return null() if column.nullable else {}


def _is_filled(column: Column[Any]) -> ColumnElement[bool]:
    return column.is_not(null()) if column.nullable else cast(column, Text) != "{}"


def _is_of(table: Table, person: _Person) -> ColumnElement[bool]:
    """Whether a row belongs to the person: by user, by incidence, or by conversation."""
    if "user_id" in table.c:
        return table.c.user_id.in_(person.user_ids)
    theirs = select(incidences.c.incidence_id).where(incidences.c.user_id.in_(person.user_ids))
    by_incidence = table.c.incidence_id.in_(theirs)
    if "conversation_id" not in table.c:
        return by_incidence
    conversations = platform_conversations
    platform = table.c.platform if "platform" in table.c else table.c.destination
    return or_(
        by_incidence,
        exists().where(
            conversations.c.platform == platform,
            conversations.c.conversation_id == table.c.conversation_id,
            or_(conversations.c.incidence_id.in_(theirs), _is_of_contact(conversations, person)),
        ),
    )


def _is_of_contact(table: Table, person: _Person) -> ColumnElement[bool]:
    return or_(
        *(
            and_(table.c.platform == platform, table.c.platform_user_id == contact)
            for platform, contact in person.contacts
        ),
        # an empty or_() is no condition at all
        and_(table.c.platform.is_(None), table.c.platform.is_not(None)),
    )


def _find(connection: Connection, user_id: str) -> _Person:
    person = _person(connection, user_id)
    named = [table.c.user_id for table in metadata.sorted_tables if "user_id" in table.c]
    if person.contacts or any(connection.execute(select(exists().where(c == user_id))).scalar_one() for c in named):
        return person
    raise UserUnknown(f"there is no user {user_id} in the operational store")


def _person(connection: Connection, user_id: str) -> _Person:
    """The user with the contacts that are theirs; until a contact was known, its rows were of `<platform>:<contact>`."""
    identities = platform_identities
    platform, _, contact = user_id.partition(":")
    rows = connection.execute(
        select(identities.c.platform, identities.c.platform_user_id).where(
            or_(
                identities.c.user_id == user_id,
                and_(identities.c.platform.in_({platform, platform.upper()}), identities.c.platform_user_id == contact),
            )
        )
    )
    contacts = tuple(sorted((row.platform, row.platform_user_id) for row in rows))
    aliases = {f"{form}:{contact}" for platform, contact in contacts for form in (platform, platform.lower())}
    return _Person(tuple(sorted({user_id, *aliases})), contacts)


def _traces(connection: Connection, person: _Person) -> frozenset[bytes]:
    """What to look for in other files: name, phone (also without its country code) and words of the person."""
    found: set[str] = set()
    for row in connection.execute(select(users.c.name, users.c.phone).where(users.c.user_id.in_(person.user_ids))):
        found |= {row.name or "", row.phone or "", (row.phone or "")[-10:]}
    timeline = metadata.tables["incidence_timeline"]
    found |= {
        text or "" for text in connection.execute(select(timeline.c.text).where(_is_of(timeline, person))).scalars()
    }
    return frozenset(trace.encode() for trace in found if len(trace) >= _SHORTEST_TRACE)


def _other_files(settings: Settings) -> Iterator[Path]:
    """Files under var/ that something else than the product's own tables may have been written to."""
    for path in sorted(settings.var_dir.rglob("*")):
        inside = path.relative_to(settings.var_dir).parts[0]
        is_ours = inside in {"raw", "warehouse"} or inside.startswith("operations.sqlite3")
        if path.is_file() and not path.is_symlink() and not is_ours and path != erasures_file(settings):
            yield path


def _holds(file: Path, traces: Iterable[bytes], user_id: str) -> bool:
    wanted = [*traces, *([user_id.encode()] if user_id else [])]
    if not file.stat().st_size:
        return False
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return any(content.find(trace) >= 0 for trace in wanted)
