"""What we send to a chat platform, before any HTTP. Shared by the platforms."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from store.enums import AgentLevel


@dataclass(frozen=True, slots=True)
class Call:
    """One request: `path` is below the platform's base URL, `json` its body, if any."""

    method: str
    path: str
    json: Any = None


class Sender(NamedTuple):
    """As whom we act on a platform, and which of its groups answers for which level of agents."""

    sender_id: str
    groups: Mapping[AgentLevel, str]


class NotSendable(Exception):
    """The platform cannot be asked this, and will not be later; the text has no personal data."""
