"""Secrets and addresses of the chat platforms and the app: one TOML file, read again whenever it changes.

docs/runbooks/chat-platforms.md explains every line. A missing file means that nothing is connected.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from store.enums import AgentLevel, Channel, Platform
from store.errors import StoreError
from store.settings import Settings

MOST_KEYS = 2
"""The present one and the one before or after it, so that a key can be changed without losing a delivery."""


class PlatformSettingsInvalid(StoreError):
    """The file cannot be used; what it was before stays in force."""

    code = "platform_settings_invalid"
    remedy = "Mend the file; docs/runbooks/chat-platforms.md shows every line. It is read again as soon as it changes."


@dataclass(frozen=True, slots=True)
class PlatformSettings:
    """One chat platform. Without a key its webhooks are refused; without a token nothing is sent to it."""

    platform: Platform
    base_url: str
    webhook_keys: tuple[str, ...] = ()
    """Intercom: the app's client secrets. Freshchat: the account's public keys, PEM. At most two; each is believed."""
    access_token: str | None = None
    account: str | None = None
    """Intercom: the workspace id. Freshchat: the account's name."""
    inbox_url: str | None = None
    """Where agents read conversations: what their browser shows before `/conversation/`. Without it nothing links there."""
    sender_id: str | None = None
    """As whom we write and act: an Intercom admin or a Freshchat agent that nobody else uses. What comes back from it is ours."""
    channels: Mapping[str, Channel] = field(default_factory=dict)
    """By the platform's word or id of a channel; `default` is for the others."""
    groups: Mapping[AgentLevel, str] = field(default_factory=dict)
    """The platform's id of the team or group that works on a level."""
    timeout_seconds: float = 10.0
    """How long one request to it may take."""
    look_up_every_seconds: float = 60.0
    """How often a user whom we do not know is looked up."""
    sweep_every_seconds: float = 300.0
    sweep_back_seconds: float = 3_600.0
    """How far back a sweep reads conversations that changed."""
    alarm_after_minutes: float = 60.0
    """So long without a webhook in office hours is worth an alarm."""

    def conversation_url(self, conversation_id: str) -> str | None:
        """Where an agent reads this conversation, if that is known."""
        return f"{self.inbox_url}/conversation/{quote(conversation_id, safe='')}" if self.inbox_url else None

    def channel_of(self, words: tuple[str, ...]) -> Channel | None:
        """The channel that the first known of these words means; None if the map says nothing."""
        return next((self.channels[word] for word in (*words, "default") if word in self.channels), None)


@dataclass(frozen=True, slots=True)
class AppSettings:
    """Where the app hears of order changes, and the keys that messages to it are signed with: the first signs."""

    url: str
    signing_secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Connections:
    """Everything that is connected now."""

    intercom: PlatformSettings | None = None
    freshchat: PlatformSettings | None = None
    app: AppSettings | None = None
    alarm_after_seconds: float = 300.0
    """An event that is unprocessed for so long is worth an alarm."""

    @property
    def askable(self) -> list[PlatformSettings]:
        """The platforms that we hold a token of, and so may ask."""
        return [each for each in (self.intercom, self.freshchat) if each is not None and each.access_token]

    def of(self, platform: Platform) -> PlatformSettings | None:
        return self.intercom if platform is Platform.INTERCOM else self.freshchat


class PlatformsFile:
    """`current()` costs a look at the file's time; a file that went wrong leaves in force what was there before."""

    def __init__(self, settings: Settings) -> None:
        """Reads nothing yet."""
        self.path = settings.platforms_file
        self.problem: str | None = None
        """What is wrong with the file as it is now."""
        self._connections = Connections()
        self._seen: tuple[int, int, int] | None = None

    def current(self) -> Connections:
        """What the file says, or said when it was last right. Never raises: `problem` tells."""
        seen = _identity(self.path)
        if seen != self._seen:
            self._seen = seen
            try:
                self._connections = read_connections(self.path)
                self.problem = None
            except PlatformSettingsInvalid as error:
                self.problem = str(error)
        return self._connections


def read_connections(path: Path) -> Connections:
    """Read the file; nothing is connected if there is none. Raises `PlatformSettingsInvalid`, which names no secret."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Connections()
    except OSError as error:
        raise PlatformSettingsInvalid(f"{path} cannot be read: {error.strerror}") from error
    try:
        return _connections(tomllib.loads(content.decode()))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # Its text could quote a secret.
        raise PlatformSettingsInvalid(f"{path} is no TOML.") from error
    except _Wrong as error:
        raise PlatformSettingsInvalid(f"{path}: {error}") from error


class _Wrong(Exception):
    """What is wrong, by the name of the line."""


def _connections(found: dict[str, Any]) -> Connections:
    top = _Section("", found)
    connections = Connections(
        intercom=_platform(Platform.INTERCOM, top),
        freshchat=_platform(Platform.FRESHCHAT, top),
        app=_app(top),
        alarm_after_seconds=top.number("alarm_after_seconds", 300.0),
    )
    top.end()
    return connections


def _platform(platform: Platform, top: "_Section") -> PlatformSettings | None:
    section = top.section(platform.lower())
    if section is None:
        return None
    account = section.text("account")
    base_url = section.text("base_url")
    if base_url is None and platform is Platform.INTERCOM:
        base_url = "https://api.intercom.io"
    if base_url is None and account is not None:
        base_url = f"https://{account}.freshchat.com/v2"
    if base_url is None:
        raise _Wrong("freshchat needs account, or base_url")
    inbox_url = section.text("inbox_url")
    if inbox_url is None and account is not None and platform is Platform.INTERCOM:
        inbox_url = f"https://app.intercom.com/a/inbox/{quote(account, safe='')}/inbox"
    if inbox_url is not None and not inbox_url.startswith("https://"):
        raise _Wrong(f"{platform.lower()}.inbox_url is no https address")
    settings = PlatformSettings(
        platform=platform,
        base_url=base_url.rstrip("/"),
        webhook_keys=section.texts("webhook_keys", at_most=MOST_KEYS),
        access_token=section.text("access_token"),
        account=account,
        inbox_url=inbox_url and inbox_url.rstrip("/"),
        sender_id=section.text("sender_id"),
        channels=section.words("channels", Channel, keys=None),
        groups={AgentLevel(level): group for level, group in section.words("groups", None, keys=AgentLevel).items()},
        timeout_seconds=section.number("timeout_seconds", 10.0),
        look_up_every_seconds=section.number("look_up_every_seconds", 60.0),
        sweep_every_seconds=section.number("sweep_every_seconds", 300.0),
        sweep_back_seconds=section.number("sweep_back_seconds", 3_600.0),
        alarm_after_minutes=section.number("alarm_after_minutes", 60.0),
    )
    section.end()
    return settings


def _app(top: "_Section") -> AppSettings | None:
    section = top.section("app")
    if section is None:
        return None
    url, secrets = section.text("url"), section.texts("signing_secrets", at_most=MOST_KEYS)
    section.end()
    if url is None or not secrets:
        raise _Wrong("app needs url and signing_secrets")
    return AppSettings(url, secrets)


class _Section:
    """A table of the file. What is asked for is taken out; what is left at the end was misspelt."""

    def __init__(self, name: str, found: dict[str, Any]) -> None:
        self._prefix = f"{name}." if name else ""
        self._left = dict(found)

    def section(self, name: str) -> "_Section | None":
        found = self._left.pop(name, None)
        if found is None:
            return None
        if not isinstance(found, dict):
            raise _Wrong(f"{self._prefix}{name} is no table")
        return _Section(f"{self._prefix}{name}", found)

    def text(self, name: str) -> str | None:
        found = self._left.pop(name, None)
        if found is not None and not (isinstance(found, str) and found.strip()):
            raise _Wrong(f"{self._prefix}{name} is no text")
        return found.strip() if found is not None else None

    def texts(self, name: str, *, at_most: int) -> tuple[str, ...]:
        found = self._left.pop(name, [])
        if not isinstance(found, list) or not all(isinstance(each, str) and each.strip() for each in found):
            raise _Wrong(f"{self._prefix}{name} is no list of texts")
        if len(found) > at_most:
            raise _Wrong(f"{self._prefix}{name} has more than {at_most}")
        return tuple(found)

    def number(self, name: str, default: float) -> float:
        found = self._left.pop(name, default)
        if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found < 1e9:
            raise _Wrong(f"{self._prefix}{name} is no positive number")
        return float(found)

    def words(self, name: str, values: Any, *, keys: Any) -> dict[str, Any]:
        """A table of texts; `values` and `keys` are the enums that they must be words of."""
        found = self._left.pop(name, {})
        if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
            raise _Wrong(f"{self._prefix}{name} is no table of texts")
        for words, enum in ((found.keys(), keys), (found.values(), values)):
            for word in words:
                if enum is not None and word not in set(enum):
                    raise _Wrong(f"{self._prefix}{name}: {word} is none of {', '.join(enum)}")
        return {key: values(value) if values is not None else value for key, value in found.items()}

    def end(self) -> None:
        if self._left:
            raise _Wrong(f"{self._prefix}{min(self._left)} is not known")


def _identity(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
