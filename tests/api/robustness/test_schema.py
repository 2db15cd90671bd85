"""Every operation, called by every role with what its schema allows and what it does not, answers as the OpenAPI document says."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from api.rates import Rate, Rates
from store.enums import Role
from store.settings import Settings
from tests.api.robustness.known import Known, make_known, mention
from tests.api.serving import USER_ID, Api, serve_api

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it imports what others call deprecated
    import requests
    import schemathesis
    from schemathesis import GenerationMode
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
EVENTS = "text/event-stream"


@dataclass(frozen=True)
class Served:
    api: Api
    known: Known
    operations: list[Any]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, _migrated_file: Path) -> Iterator[Served]:
    own = Settings.at(tmp_path_factory.mktemp("schema"))
    (own.var_dir / "operations.sqlite3").write_bytes(_migrated_file.read_bytes())
    with serve_api(own, loops=()) as api:
        api.app.state.rates = Rates({role: Rate(1e9, 1_000_000_000) for role in Role})
        document = schemathesis.openapi.from_dict(api.app.openapi())
        found: list[Any] = list(document.get_all_operations())
        yield Served(api, make_known(api), [one.ok() for one in found])


@pytest.mark.parametrize("role", Role)
def test_every_operation_answers_as_it_is_documented(served: Served, role: Role, size: Callable[..., int]):
    failures = []
    for operation in served.operations:
        documented = operation.definition.raw
        if EVENTS in documented["responses"]["200" if "200" in documented["responses"] else "default"].get(
            "content", {}
        ):
            continue  # it never ends; the tests of streams read it
        is_theirs = role in documented.get("x-roles", ()) or "any" in documented.get("x-roles", ())
        key = served.api.keys[role] if role is not Role.USER else served.api.user_token(USER_ID)
        try:
            call_often(served, operation, key, size(small=2 if is_theirs else 1, full=50))
        except (Exception, BaseExceptionGroup) as error:
            failures.append(f"{operation.label} as {role}: {error}")
    assert not failures, "\n\n".join(failures)


def call_often(served: Served, operation: Any, key: str, examples: int) -> None:
    cases = operation.as_strategy(GenerationMode.POSITIVE)
    if operation.body or operation.query or operation.path_parameters:
        cases |= operation.as_strategy(GenerationMode.NEGATIVE)

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
            case.path_parameters = mention(case.path_parameters, served.known, choice)
            case.body = mention(case.body, served.known, choice)
        headers = {"Authorization": f"Bearer {key}"}
        answer = case.call(base_url=served.api.address, session=session, headers=headers, timeout=30)
        is_empty = answer.status_code == 503 and answer.json()["code"] == "no_published_warehouse"
        case.validate_response(answer, checks=CHECKS[1:] if is_empty else CHECKS)

    with requests.Session() as session:
        call()
