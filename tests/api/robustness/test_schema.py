"""Every operation answers every role as the OpenAPI document says, whatever it is sent."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from store.enums import Role
from store.settings import Settings
from tests.api.robustness.calling import Operation, call_often, documented_operations
from tests.api.robustness.known import Known, make_known
from tests.api.serving import Api, serve_api


@dataclass(frozen=True)
class Served:
    api: Api
    known: Known
    operations: list[Operation]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, _migrated_file: Path) -> Iterator[Served]:
    own = Settings.at(tmp_path_factory.mktemp("schema"))
    (own.var_dir / "operations.sqlite3").write_bytes(_migrated_file.read_bytes())
    with serve_api(own, loops=()) as api:
        yield Served(api, make_known(api), documented_operations(api))


@pytest.mark.parametrize("role", Role)
def test_every_operation_answers_as_it_is_documented(served: Served, role: Role, size: Callable[..., int]):
    failures = []
    for operation in served.operations:
        is_theirs = not operation.roles.isdisjoint({role, "any"})
        try:
            call_often(served.api, served.known, operation, role, size(small=2 if is_theirs else 1, full=50))
        except (Exception, BaseExceptionGroup) as error:
            failures.append(f"{operation.label} as {role}: {error}")
    assert not failures, "\n\n".join(failures)
