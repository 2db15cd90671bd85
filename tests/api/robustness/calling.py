"""Calls an operation with what its schema allows and what it does not, and checks each answer against the OpenAPI document."""

import warnings
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from api.rates import Rate, Rates
from store.enums import Role
from tests.api.robustness.known import Known, mention
from tests.api.serving import USER_ID, Api

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it imports what others call deprecated
    import requests
    import schemathesis
    from schemathesis import GenerationMode
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks

CONFORMANCE = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
EVENTS = "text/event-stream"
NOT_SET_UP = {"no_published_warehouse", "platform_not_configured"}


@dataclass(frozen=True)
class Operation:
    """One of the document's. `label` is as `GET /agents/{agentId}`."""

    label: str
    roles: frozenset[str]
    made: Any


def documented_operations(api: Api) -> list[Operation]:
    """All but the streams, which never end; from now on the API knows no rate limits."""
    api.app.state.rates = Rates({role: Rate(1e9, 1_000_000_000) for role in Role})
    found: list[Any] = list(schemathesis.openapi.from_dict(api.app.openapi()).get_all_operations())
    operations = [one.ok() for one in found]
    return [
        Operation(made.label, frozenset(made.definition.raw.get("x-roles", ())), made)
        for made in operations
        if not any(EVENTS in answer.get("content", {}) for answer in made.definition.raw["responses"].values())
    ]


def call_often(api: Api, known: Known, operation: Operation, role: Role, examples: int) -> None:
    """Raises what schemathesis finds. An API without a warehouse or a platform may say so by 503; no other 5xx is an answer."""
    key = api.keys[role] if role is not Role.USER else api.user_token(USER_ID)
    made = operation.made
    cases = made.as_strategy(GenerationMode.POSITIVE)
    if made.body or made.query or made.path_parameters:
        cases |= made.as_strategy(GenerationMode.NEGATIVE)

    @settings(
        max_examples=examples,
        database=None,
        derandomize=examples < 50,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    @given(cases, st.randoms(use_true_random=False), st.booleans())
    def call(case: Any, choice: Any, is_about_known: bool) -> None:
        if is_about_known:
            case.path_parameters = mention(case.path_parameters, known, choice)
            case.body = mention(case.body, known, choice)
        headers = {"Authorization": f"Bearer {key}"}
        answer = case.call(base_url=api.address, session=session, headers=headers, timeout=30)
        is_missing = answer.status_code == 503 and (not answer.content or answer.json()["code"] in NOT_SET_UP)
        case.validate_response(answer, checks=CONFORMANCE if is_missing else [not_a_server_error, *CONFORMANCE])

    with requests.Session() as session:
        call()
