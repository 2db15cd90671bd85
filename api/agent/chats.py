"""Where the chats of an incidence are, on the platforms themselves: agents answer there."""

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from store.enums import Platform
from store.platform_settings import Connections
from store.tables import platform_conversations


@dataclass(frozen=True, slots=True)
class ChatLink:
    platform: Platform
    url: str
    is_open: bool


def chat_links(connection: Connection, platforms: Connections, incidence_id: str) -> list[ChatLink]:
    """The incidence's conversations, the latest first: those on a platform whose inbox is configured."""
    found = []
    for row in connection.execute(_CONVERSATIONS, {"id": incidence_id}):
        platform = Platform(row.platform)
        settings = platforms.of(platform)
        if settings is not None and (url := settings.conversation_url(row.conversation_id)) is not None:
            found.append(ChatLink(platform, url, row.is_open))
    return found


_CONVERSATIONS = (
    select(platform_conversations)
    .where(platform_conversations.c.incidence_id == bindparam("id"))
    .order_by(platform_conversations.c.is_open.desc(), platform_conversations.c.last_event_at.desc())
)
