import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from store.enums import AgentLevel, Channel, Platform
from store.platform_settings import Connections, PlatformSettingsInvalid, PlatformsFile, read_connections
from store.settings import ROOT, Settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "platforms.toml"


def test_nothing_is_connected_without_a_file(file: Path):
    assert read_connections(file) == Connections()


def test_the_runbooks_example_is_what_the_code_reads(file: Path):
    text = (ROOT / "docs" / "runbooks" / "chat-platforms.md").read_text()
    example = re.search(r"```toml\n(.*?)```", text, re.DOTALL)
    assert example is not None
    file.write_text(example[1])
    found = read_connections(file)
    assert found.intercom is not None
    assert found.freshchat is not None
    assert found.app is not None
    assert found.intercom.base_url == "https://api.intercom.io"
    assert found.freshchat.base_url == "https://ours.freshchat.com/v2"
    assert found.intercom.groups[AgentLevel.SUPERVISOR] == "5017692"
    assert found.intercom.channel_of(("email",)) is Channel.IN_APP_CHAT
    assert found.intercom.channel_of(("email", "whatsapp")) is Channel.WHATSAPP
    assert found.of(Platform.FRESHCHAT) is found.freshchat
    assert found.app.url.startswith("https://")
    assert found.intercom.conversation_url("2 1") == (
        "https://app.intercom.com/a/inbox/i6wc9ipe/inbox/conversation/2%201"
    )
    assert found.freshchat.conversation_url("72") == (
        "https://ours.freshchat.com/a/236306003128395/inbox/0/0/conversation/72"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[intercom", "is no TOML"),
        ("[intercomm]", "intercomm is not known"),
        ("[intercom]\nwebhook_key = 's3cret'", "intercom.webhook_key is not known"),
        ("[intercom]\nwebhook_keys = 's3cret'", "intercom.webhook_keys is no list of texts"),
        ("[intercom]\nwebhook_keys = ['s3cret', 's3cret2', 's3cret3']", "intercom.webhook_keys has more than 2"),
        ("[intercom]\naccess_token = ' '", "intercom.access_token is no text"),
        ("[intercom.channels]\nweb = 'CALLS'", "CALLS is none of IN_APP_CHAT, CALL, WHATSAPP"),
        ("[intercom.groups]\nBOSS = '1'", "BOSS is none of"),
        ("[intercom]\nsweep_every_seconds = 0", "intercom.sweep_every_seconds is no positive number"),
        ("intercom = 1", "intercom is no table"),
        ("[freshchat]\nwebhook_keys = ['k']", "freshchat needs account"),
        ("[intercom]\ninbox_url = 'javascript:1'", "intercom.inbox_url is no https address"),
        ("[app]\nurl = 'https://x'", "app needs url and signing_secrets"),
    ],
)
def test_what_is_wrong_is_named_by_its_line_and_never_by_a_secret(file: Path, text: str, reason: str):
    file.write_text(text)
    with pytest.raises(PlatformSettingsInvalid) as wrong:
        read_connections(file)
    assert reason in str(wrong.value)
    assert "s3cret" not in str(wrong.value)


def test_a_changed_file_is_read_again_and_a_wrong_one_changes_nothing(file: Path, tmp_path: Path):
    platforms = PlatformsFile(Settings.at(tmp_path))

    def token() -> str | None:
        found = platforms.current().intercom
        return found.access_token if found is not None else None

    assert token() is None
    file.write_text("[intercom]\naccess_token = 'one'")
    assert token() == "one"
    file.write_text("[intercom]\naccess_token = ")
    assert token() == "one"
    assert platforms.problem is not None
    file.write_text("[intercom]\naccess_token = 'two'")
    assert (token(), platforms.problem) == ("two", None)
    os.utime(file, ns=(1, 1))
    assert token() == "two"
    file.unlink()
    assert token() is None


def test_the_file_may_be_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SUPPORTLED_VAR", str(tmp_path))
    monkeypatch.setenv("SUPPORTLED_PLATFORMS", str(tmp_path / "secrets" / "platforms.toml"))
    assert Settings.from_environment().platforms_file == tmp_path / "secrets" / "platforms.toml"
    assert replace(Settings.from_environment(), platforms_path=None).platforms_file == tmp_path / "platforms.toml"
