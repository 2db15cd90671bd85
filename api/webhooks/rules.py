"""What the events of its conversations make of an incidence, in whatever order they came. Pure.

A conversation is open from the first thing its user says, and after each later word of the user or reopening, until it is
resolved. An incidence is open while one of its conversations is; what ends or reopens it elsewhere (the desk, an order) takes
part by its own time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from store.enums import ActorType, ChatEvent, TimelineEvent


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that opens or closes. `conversation` is None for what happened outside the chats: that is for the whole
    incidence. `is_by_user`: the user's own word opened it."""

    at: datetime
    is_opening: bool
    conversation: tuple[str, str] | None = None
    is_explicit: bool = False
    is_by_user: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """The incidence ended, or began again."""

    at: datetime
    is_opening: bool
    is_by_chat: bool
    is_by_user: bool


@dataclass(frozen=True, slots=True)
class Life:
    began_at: datetime
    turns: tuple[Turn, ...]
    """Endings and beginnings again, in turn; the first is an ending."""

    @property
    def is_open(self) -> bool:
        return len(self.turns) % 2 == 0

    @property
    def since(self) -> datetime:
        return self.turns[-1].at if self.turns else self.began_at

    @property
    def reopen_count(self) -> int:
        return len(self.turns) // 2


def opens_conversation(event_type: str | None, actor_type: str | None) -> bool:
    """Whether an event may be the first that we know of its conversation."""
    is_of_user = event_type == ChatEvent.MESSAGE_RECEIVED and actor_type == ActorType.USER
    return event_type == ChatEvent.STARTED or is_of_user


def chat_mark(event_type: str, actor_type: str | None, conversation: tuple[str, str], at: datetime) -> Mark | None:
    """The mark of an event; None if it neither opens nor closes."""
    if opens_conversation(event_type, actor_type):
        return Mark(at, is_opening=True, conversation=conversation, is_by_user=True)
    if event_type == ChatEvent.REOPENED:
        return Mark(at, is_opening=True, conversation=conversation, is_explicit=True)
    if event_type == ChatEvent.RESOLVED:
        return Mark(at, is_opening=False, conversation=conversation)
    return None


def other_mark(event_type: str, at: datetime) -> Mark:
    """The mark of a CLOSED or REOPENED that no chat caused."""
    is_opening = event_type == TimelineEvent.REOPENED
    return Mark(at, is_opening=is_opening, is_explicit=is_opening)


def life_of(marks: Iterable[Mark]) -> Life:
    """The life that these marks tell. There is at least one that opens.

    At one instant a word of the user comes before a closing, and that before a reopening: platforms tell whole seconds.
    """
    ordered = sorted(marks, key=_order)
    began_at = next(mark.at for mark in ordered if mark.is_opening)
    open_conversations: set[tuple[str, str]] = set()
    turns: list[Turn] = []
    is_open = True
    for mark in ordered:
        if mark.conversation is not None and mark.is_opening:
            open_conversations.add(mark.conversation)
        elif mark.conversation is not None:
            open_conversations.discard(mark.conversation)
        if mark.is_opening == is_open or mark.at < began_at:
            continue
        if not mark.is_opening and mark.conversation is not None and open_conversations:
            continue  # another conversation of it goes on
        is_open = mark.is_opening
        turns.append(Turn(mark.at, is_open, mark.conversation is not None, mark.is_by_user))
    return Life(began_at, tuple(turns))


def _order(mark: Mark) -> tuple[datetime, int, tuple[str, str]]:
    rank = 2 if mark.is_explicit else 0 if mark.is_opening else 1
    return mark.at, rank, mark.conversation or ("", "")


@dataclass(frozen=True, slots=True)
class Told:
    """A CLOSED or REOPENED of the timeline that a chat caused."""

    event_id: str
    at: datetime
    is_opening: bool


def missing_turns(life: Life, told: Sequence[Told]) -> tuple[list[tuple[str, datetime]], list[Turn]]:
    """What makes the timeline tell this life: rows to date anew, and turns to add.

    Late events only ever add turns, or show that one came earlier.
    """
    dated: list[tuple[str, datetime]] = []
    added: list[Turn] = []
    for is_opening in (False, True):
        turns = [turn for turn in life.turns if turn.is_by_chat and turn.is_opening == is_opening]
        rows = [row for row in told if row.is_opening == is_opening]
        rows, turns = _without_equal(rows, turns)
        dated += [(row.event_id, turn.at) for row, turn in zip(rows, turns, strict=False)]
        added += turns[len(rows) :]
    return dated, sorted(added, key=lambda turn: turn.at)


def _without_equal(rows: list[Told], turns: list[Turn]) -> tuple[list[Told], list[Turn]]:
    """Those that have no counterpart at their own instant, in order of time."""
    left_turns = list(turns)
    left_rows = []
    for row in sorted(rows, key=lambda row: row.at):
        match = next((turn for turn in left_turns if turn.at == row.at), None)
        if match is None:
            left_rows.append(row)
        else:
            left_turns.remove(match)
    return left_rows, left_turns
