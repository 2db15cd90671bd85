"""Tests choose between a small and a full size, and tests of one file share a process."""

from collections.abc import Callable

import pytest

pytest_plugins = ["pytester"]


@pytest.fixture
def suite(pytester: pytest.Pytester, pytestconfig: pytest.Config) -> pytest.Pytester:
    """A small suite under this suite's conftest."""
    pytester.makeconftest((pytestconfig.rootpath / "tests" / "conftest.py").read_text())
    pytester.makeini("[pytest]\nmarkers = release\naddopts = -p no:cacheprovider")
    pytester.mkdir("part")
    pytester.makepyfile(
        **{
            "part/test_sizes": """
                import pytest

                def test_counts(size):
                    print("COUNT", size(small=20, full=200))

                @pytest.mark.release
                def test_long():
                    print("LONG")
            """,
            **dict.fromkeys(
                ("part/test_one", "part/test_other"),
                """
                import pytest

                @pytest.fixture(scope="module")
                def made():
                    print("MADE")

                @pytest.mark.parametrize("number", range(8))
                def test_uses_it(made, number):
                    pass
                """,
            ),
        }
    )
    return pytester


def test_by_default_tests_are_small_and_full_size_ones_are_left_out(suite: pytest.Pytester) -> None:
    done = suite.runpytest_inprocess("-s", "part/test_sizes.py")
    done.assert_outcomes(passed=1, deselected=1)
    done.stdout.fnmatch_lines(["*COUNT 20*"])


def test_release_runs_everything_at_its_full_size(suite: pytest.Pytester) -> None:
    done = suite.runpytest_inprocess("-s", "--release", "part/test_sizes.py")
    done.assert_outcomes(passed=2)
    done.stdout.fnmatch_lines(["*COUNT 200*", "*LONG*"])


def test_what_tests_of_a_file_share_is_made_once_by_however_many_processes(suite: pytest.Pytester) -> None:
    quicker = ("-p", "no:nbmake", "-p", "no:schemathesis")  # each process would load them
    done = suite.runpytest_inprocess("-n", "2", "-rP", *quicker, "part/test_one.py", "part/test_other.py")
    done.assert_outcomes(passed=16)
    assert done.stdout.str().count("MADE") == 2


def test_a_size_is_chosen_by_name(size: Callable[..., int], pytestconfig: pytest.Config) -> None:
    assert size(small=1, full=2) == (2 if pytestconfig.getoption("--release") else 1)
