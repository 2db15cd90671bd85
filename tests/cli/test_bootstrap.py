from pathlib import Path

import pytest

from cli.bootstrap import EnvironmentState, environment_state, locked_block, stamp_file, stamp_of, uv_environment
from cli.problems import Problem
from store.settings import ROOT


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A checkout whose environment is that of its lock."""
    (tmp_path / "requirements.lock").write_text("uv==1.0\n")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch(mode=0o755)
    stamp_file(tmp_path).write_text(stamp_of(b"uv==1.0\n", tmp_path) + "\n")
    return tmp_path


def test_an_environment_made_from_this_lock_is_ready(made: Path) -> None:
    assert environment_state(made) is EnvironmentState.READY


def test_a_changed_lock_makes_it_stale(made: Path) -> None:
    (made / "requirements.lock").write_text("uv==1.1\n")
    assert environment_state(made) is EnvironmentState.STALE


def test_an_installation_that_was_cut_short_is_stale(made: Path) -> None:
    stamp_file(made).unlink()
    assert environment_state(made) is EnvironmentState.STALE


def test_an_environment_that_was_moved_is_stale(made: Path) -> None:
    stamp_file(made).write_text(stamp_of(b"uv==1.0\n", made / "before") + "\n")
    assert environment_state(made) is EnvironmentState.STALE


def test_an_environment_whose_python_is_gone_is_missing(made: Path) -> None:
    python = made / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to(made / "uninstalled")
    assert environment_state(made) is EnvironmentState.MISSING


def test_the_installer_is_taken_from_the_lock_with_its_hashes_alone() -> None:
    lock = "uuid==1 \\\n    --hash=sha256:aa\nuv==2 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n    # via x\nuvicorn==3\n"
    assert locked_block(lock, "uv") == "uv==2 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n    # via x\n"


def test_the_real_lock_pins_the_installer_with_hashes() -> None:
    assert "--hash=sha256:" in locked_block((ROOT / "requirements.lock").read_text(), "uv")


def test_a_lock_without_the_installer_is_named_with_a_remedy() -> None:
    with pytest.raises(Problem, match="does not pin uv"):
        locked_block("uvicorn==3\n", "uv")


def test_uv_asks_the_indexes_that_pip_is_configured_with() -> None:
    config = "\n".join(
        [
            "global.cert='/etc/ssl/ours.pem'",
            "global.extra-index-url='https://one.example/simple\\nhttps://two.example/simple'",
            "global.find-links='/wheels /more'",
            "global.index-url='https://mirror.example/simple'",
            "global.trusted-host='mirror.example'",
        ]
    )
    assert uv_environment(config, {"PATH": "/bin"}) == {
        "PATH": "/bin",
        "SSL_CERT_FILE": "/etc/ssl/ours.pem",
        "UV_EXTRA_INDEX_URL": "https://one.example/simple https://two.example/simple",
        "UV_FIND_LINKS": "/wheels,/more",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_INDEX_URL": "https://mirror.example/simple",
        "UV_INSECURE_HOST": "mirror.example",
        "UV_SYSTEM_CERTS": "1",
    }


@pytest.mark.parametrize(
    "config",
    [
        ":env:.index-url='https://mine'\nglobal.index-url='https://all'\ninstall.index-url='https://installing'",
        "install.index-url='https://mine'\nglobal.index-url='https://all'",
        "global.index-url='https://mine'\ndownload.index-url='https://other'\nnot a setting",
    ],
)
def test_pips_own_precedence_decides_which_index(config: str) -> None:
    assert uv_environment(config, {})["UV_INDEX_URL"] == "https://mine"


def test_what_a_person_set_for_uv_itself_wins() -> None:
    chosen = uv_environment("global.index-url='https://pips'", {"UV_INDEX_URL": "https://mine", "UV_SYSTEM_CERTS": "0"})
    assert chosen == {"UV_INDEX_URL": "https://mine", "UV_SYSTEM_CERTS": "0"}
