"""Where the weekly report goes: one TOML file with folders, mail and chat. A missing file means nowhere.

docs/runbooks/report-delivery.md shows every line.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from store.settings import Settings

Security = Literal["starttls", "tls", "none"]
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class DeliverySettingsInvalid(Exception):
    """The file cannot be used, so nothing is delivered."""

    remedy = "Mend the file; docs/runbooks/report-delivery.md shows every line."


@dataclass(frozen=True, slots=True)
class Folder:
    """A directory that each report's files are copied to, under a name with the week."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Mail:
    """An SMTP server and to whom the report is mailed, each person in a message of their own."""

    name: str
    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    security: Security = "starttls"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Chat:
    """An incoming webhook that takes `{"text": …}`: Slack, Mattermost, Google Chat. Its address is a secret."""

    name: str
    url: str = field(repr=False)
    timeout_seconds: float = 30.0


Destination = Folder | Mail | Chat


def read_destinations(settings: Settings) -> list[Destination]:
    """Every destination of `var/delivery.toml` (or `SUPPORTLED_DELIVERY`), in the file's order; none without it.

    Raises `DeliverySettingsInvalid`, whose text holds no secret.
    """
    file = settings.delivery_file
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise DeliverySettingsInvalid(f"{file} cannot be read: {error}") from error
    return [
        _destination(file, kind, name, values)
        for kind, group in tables.items()
        for name, values in _table(file, kind, group).items()
    ]


def _destination(file: Path, kind: str, name: str, values: object) -> Destination:
    place = f"{kind}.{name}"
    given = dict(_table(file, place, values))
    try:
        match kind:
            case "folder":
                return Folder(name, Path(_text(given.pop("path"))), **given)
            case "mail":
                recipients = tuple(_text(each) for each in given.pop("recipients"))
                security = given.get("security", "starttls")
                if security not in get_args(Security):
                    raise TypeError(f"security is one of {', '.join(get_args(Security))}")
                if security == "none" and "password" in given and given["host"] not in LOOPBACK:
                    raise TypeError("would send the password in the clear; security is starttls or tls")
                return Mail(
                    name,
                    _text(given.pop("host")),
                    int(given.pop("port")),
                    _text(given.pop("sender")),
                    recipients,
                    **given,
                )
            case "chat":
                url = _text(given.pop("url"))
                if not url.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
                    raise TypeError("url begins with https://")
                return Chat(name, url, **given)
    except KeyError as error:
        raise DeliverySettingsInvalid(f"{file}: [{place}] lacks {error.args[0]}") from error
    except (TypeError, ValueError) as error:
        raise DeliverySettingsInvalid(f"{file}: [{place}] {_without_class(error)}") from error
    raise DeliverySettingsInvalid(f"{file}: [{place}] is none of folder, mail, chat")


def _table(file: Path, place: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise DeliverySettingsInvalid(f"{file}: {place} is no table; write [{place}.NAME] or a value of one")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("has an empty value, or a number in the place of text")
    return value


def _without_class(error: Exception) -> str:
    """`Mail.__init__() got an unexpected keyword argument 'pasword'` → what a person wrote wrong."""
    return str(error).rpartition("__init__() ")[2].replace("got an unexpected keyword argument", "has an unknown line")
