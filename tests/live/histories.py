"""What users do, as steps that both sides can take: through the API, and by the pure rules alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from hypothesis import strategies as st

from api.context.rules import Cart, CartSet, ContextState, Event, ProfileSet, ScreenShown, SignalsSent, fold, goes_on
from store.enums import EventType, Flow

SESSION_TIMEOUT = timedelta(minutes=30)
FLOWS = {
    "menu": Flow.MENU,
    "item_detail": Flow.MENU,
    "compare": Flow.COMPARISON,
    "guest_count": Flow.GUEST_COUNT,
    "checkout": Flow.CHECKOUT,
    "payment": Flow.PAYMENT,
    "home": None,
    "not_a_screen": None,
}


@dataclass(frozen=True, slots=True)
class Screen:
    name: str


@dataclass(frozen=True, slots=True)
class FilledCart:
    event_type: EventType | None
    guests: int = 10


@dataclass(frozen=True, slots=True)
class Signals:
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    prior_order_count: int


@dataclass(frozen=True, slots=True)
class Order:
    """Told now; placed `placed_hours_ago`."""

    is_cancelled: bool = False
    placed_hours_ago: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """Something that scores or answers: detect, trigger, the worker's look, dismissing, taking the help."""

    kind: str = "detect"


Act = Screen | FilledCart | Signals | Profile | Order | Look


@dataclass(frozen=True, slots=True)
class Step:
    """`user` is one of the few of a history; it acts after so many seconds."""

    after_seconds: float
    act: Act
    user: int = 0


History = Sequence[Step]

_LOOKS = ("detect", "detect", "detect", "trigger", "watch", "dismiss", "accept")
_SIGNALS = (
    "HEARTBEAT",
    "APP_BACKGROUND",
    "APP_FOREGROUND",
    "PRICE_CALCULATION",
    "PAYMENT_ATTEMPT",
    "PAYMENT_FAILED",
    "BACK_NAVIGATION",
    "WIGGLED",
)
_PAUSES = (0, 0, 0.000001, 1, 19.5, 20, 29.999999, 30, 31, 45, 60.999999, 61, 75, 300, 1799.999999, 1800, 1800.000001)

acts: st.SearchStrategy[Act] = st.one_of(
    st.sampled_from(list(FLOWS)).map(Screen),
    st.sampled_from(["menu", "item_detail"]).map(Screen),
    st.builds(FilledCart, st.sampled_from([*EventType, None]), st.integers(1, 100)),
    st.lists(st.sampled_from(_SIGNALS), min_size=1, max_size=4).map(tuple).map(Signals),
    st.just(Signals(("PRICE_CALCULATION",) * 3)),
    st.sampled_from(["HEARTBEAT", "APP_BACKGROUND"]).map(lambda signal: Signals((signal,))),
    st.integers(0, 1).map(Profile),
    st.builds(Order, st.booleans(), st.sampled_from([0, 0, 2])),
    st.sampled_from(_LOOKS).map(Look),
    st.just(Look()),
)
histories: st.SearchStrategy[History] = st.lists(
    st.builds(Step, st.sampled_from(_PAUSES), acts, st.integers(0, 1)), min_size=8, max_size=30
)


def events_of(steps: History, start: datetime) -> Iterator[tuple[datetime, Event | Order | None]]:
    """What the log of the one user of these steps holds, with the instant of each; None is a look."""
    at, seqs, sessions, state = start, count(1), count(1), ContextState()
    for step in steps:
        at += timedelta(seconds=step.after_seconds)
        session = state.session_id if state.session_id and goes_on(state, at, SESSION_TIMEOUT) else f"s{next(sessions)}"
        match step.act:
            case Screen(name):
                event = ScreenShown(session, at, next(seqs), name, FLOWS[name])
            case FilledCart(event_type, guests):
                event = CartSet(session, at, next(seqs), Cart(event_type=event_type, guest_count=guests))
            case Signals(types):
                event = SignalsSent(session, at, next(seqs), [(signal, None) for signal in types])
            case Profile():
                event = ProfileSet(session, at, next(seqs))
            case Order():
                yield at, step.act
                continue
            case Look():
                yield at, None
                continue
        state = fold(state, event)
        yield at, event
