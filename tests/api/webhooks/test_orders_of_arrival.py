"""Whatever the order in which events arrive, they come to the same."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.enums import Platform
from store.session import Store, open_store
from store.settings import Settings
from tests.api.webhooks.chatting import add_agents, add_users, outcomes, tell, tell_at_once
from tests.chats import Chat

Step = tuple[str, float, dict[str, Any]]
STEPS: tuple[Step, ...] = (
    ("starts", 0, {}),
    ("is_assigned", 1, {"agent": "agent-1"}),
    ("is_answered", 2, {}),
    ("is_resolved", 3, {}),
    ("is_reopened", 4, {}),
    ("is_assigned", 5, {"agent": "agent-2"}),
    ("is_resolved", 6, {"agent": "agent-2"}),
    ("says", 7, {}),
)
HISTORIES = {
    "ends": (0, 1, 2, 3),
    "reopened": (0, 1, 3, 4, 6),
    "handed over": (0, 1, 3, 4, 5),
    "written again": (0, 3, 5, 6, 7),
    "ended twice": (0, 3, 6, 7),
}
PLATFORMS = [*Platform]


def bodies(chat: Chat, steps: Sequence[Step]) -> list[bytes]:
    return [getattr(chat, name)(minutes, **more) for name, minutes, more in steps]


def plain(outcome: Any, chat: Chat) -> str:
    """An outcome without whose it is."""
    return repr(outcome).replace(chat.conversation_id, "C").replace(chat.user_id, "U")


@pytest.mark.parametrize("history", HISTORIES)
def test_every_order_of_a_short_history_comes_to_the_same(sqlite_store: Store, history: str, size: Callable[..., int]):
    """Each order is a conversation of its own; all go on in step, each event applied before the next arrives."""
    steps = [STEPS[number] for number in HISTORIES[history]]
    every = size(small=9, full=1)
    orders = list(itertools.permutations(range(len(steps))))
    orders = [orders[0], *orders[1::every]]
    chats = [
        (Chat(platform, f"c{number:04}{platform[0]}", f"u{number:04}{platform[0]}"), order)
        for platform in PLATFORMS
        for number, order in enumerate(orders)
    ]
    add_agents(sqlite_store)
    add_users(sqlite_store, [chat.user_id for chat, _ in chats])
    for position in range(len(steps)):
        tell_at_once(sqlite_store, [(chat.platform, bodies(chat, steps)[order[position]]) for chat, order in chats])
    found = outcomes(sqlite_store)
    for platform in PLATFORMS:
        ends = {plain(found[chat.conversation_id], chat): order for chat, order in chats if chat.platform is platform}
        assert len(ends) == 1, list(ends.items())[:2]
    print(f"{len(chats):,} orders of {len(steps)} events")


def test_random_orders_of_long_histories_come_to_the_same(sqlite_settings: Settings, size: Callable[..., int]):
    numbers = itertools.count()
    histories = st.lists(
        st.sampled_from(["says", "is_assigned", "is_answered", "is_resolved", "is_reopened"]), min_size=3, max_size=9
    )

    with open_store(sqlite_settings) as store:
        add_agents(store)

        @settings(max_examples=size(small=15, full=600))
        @given(histories, st.randoms(use_true_random=False), st.sampled_from(PLATFORMS), st.data())
        def come_to_the_same(names: list[str], random: Any, platform: Platform, data: st.DataObject) -> None:
            number = next(numbers)
            steps: list[Step] = [("starts", 0, {})]
            for minute, name in enumerate(names, start=1):
                agents = {"agent": random.choice(["agent-1", "agent-2"])} if name == "is_assigned" else {}
                steps.append((name, minute, agents))
            in_order, shuffled = (Chat(platform, f"h{number:04}{way}", f"v{number:04}{way}") for way in "os")
            add_users(store, [in_order.user_id, shuffled.user_id])
            tell(store, *((platform, body) for body in bodies(in_order, steps)))
            mixed = bodies(shuffled, steps)
            random.shuffle(mixed)
            doubled = mixed + random.sample(mixed, len(mixed) // 3)
            tell(store, *((platform, body) for body in doubled))
            found = outcomes(store)
            assert plain(found[shuffled.conversation_id], shuffled) == plain(found[in_order.conversation_id], in_order)

        come_to_the_same()
