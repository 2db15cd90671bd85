from pathlib import Path

import pytest

from cli.main import main
from ingestion.platforms.freshchat.signature import HEADER
from ingestion.platforms.intercom.signature import sign
from store.enums import Platform
from tests.chats import SECRET, Chat, platforms_toml, signed

BODY = Chat(Platform.INTERCOM, "c1", "user-meera").starts()


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "platforms.toml").write_text(platforms_toml())
    monkeypatch.setenv("SUPPORTLED_VAR", str(tmp_path))
    monkeypatch.delenv("SUPPORTLED_PLATFORMS", raising=False)
    (tmp_path / "body.json").write_bytes(BODY)
    return tmp_path / "body.json"


def verify(platform: str, file: Path, signature: str) -> int:
    return main(["webhooks", "verify", "--platform", platform, "--file", str(file), "--signature", signature])


def test_a_sample_of_each_platform_fits_the_configured_key(sample: Path, capsys: pytest.CaptureFixture[str]):
    assert verify("intercom", sample, sign(BODY, SECRET)) == 0
    assert verify("freshchat", sample, signed(Platform.FRESHCHAT, BODY)[HEADER]) == 0
    assert capsys.readouterr().out.count("The signature fits") == 2


def test_an_operator_learns_why_a_signature_fails(sample: Path, capsys: pytest.CaptureFixture[str]):
    assert verify("intercom", sample, sign(BODY, "another")) == 1
    assert "another secret" in capsys.readouterr().err
    assert verify("intercom", sample, "nonsense") == 1
    assert "40 hexadecimal digits" in capsys.readouterr().err
    sample.write_bytes(BODY + b"\n")
    assert verify("intercom", sample, sign(BODY, SECRET)) == 1
    told = capsys.readouterr().err
    assert "without the line end" in told
    assert SECRET not in told


def test_a_platform_that_is_not_connected_is_named(sample: Path, capsys: pytest.CaptureFixture[str]):
    (sample.parent / "platforms.toml").unlink()
    assert verify("intercom", sample, "sha1=") == 1
    assert "platforms.toml has no webhook key of INTERCOM" in capsys.readouterr().err
    (sample.parent / "platforms.toml").write_text("[freshchat]\naccount='a'\nwebhook_keys=['no key']")
    assert verify("freshchat", sample, "AAAA") == 1
    assert "no public key" in capsys.readouterr().err


def test_verify_needs_a_body_and_its_signature():
    with pytest.raises(SystemExit) as ended:
        main(["webhooks", "verify", "--platform", "intercom"])
    assert ended.value.code == 2
