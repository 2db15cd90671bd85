"""The rules alone are held to the vectors."""

from datetime import UTC, datetime

import pytest

from api.context.rules import ContextState, fold
from api.friction.rules import inputs_of, score_of
from api.rules.registry import load_rules
from api.rules.sets import FrictionRules
from store.session import Store, open_store
from store.settings import Settings
from tests.live.histories import Order, Profile, events_of
from tests.live.vectors import VECTORS, Vector

START = datetime(2026, 11, 1, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def rules(_migrated_file) -> FrictionRules:
    with open_store(Settings.at(_migrated_file.parent)) as store:
        return _first_rules(store)


def _first_rules(store: Store) -> FrictionRules:
    with store.read() as connection:
        return load_rules(connection, START).friction


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name.replace(" ", "_"))
def test_each_vector_has_its_inputs_and_its_score(vector: Vector, rules: FrictionRules):
    state, at, first_order_at = ContextState(), START, None
    for at, event in events_of(vector.steps, START):
        if isinstance(event, Order):
            first_order_at = first_order_at or at
        elif event is not None:
            state = fold(state, event)
    prior = [step.act.prior_order_count for step in vector.steps if isinstance(step.act, Profile)]
    inputs = inputs_of(state, at, first_order_at=first_order_at, prior_order_count=prior[-1] if prior else 0)
    assert inputs == vector.inputs
    assert score_of(rules, inputs).score == vector.score
