"""Chats as the platforms tell of them, for tests: bodies in their shapes, signed with keys of our own.

Intercom's older shape and Freshchat's three actions follow real deliveries. There is no real delivery of the others: Intercom's
present shape is built from its OpenAPI file (2.16), Freshchat's reopening, messages without a type and the older `msg_parts`
from what its pages say of them.
"""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ingestion.platforms.freshchat import signature as freshchat_signature
from ingestion.platforms.intercom import signature as intercom_signature
from store.enums import Platform

SECRET = "intercom-client-secret"
SENDER = {Platform.INTERCOM: "admin-bot", Platform.FRESHCHAT: "agent-bot"}
START = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
"""Monday, 12:00 in India."""


@cache
def private_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


@cache
def public_key() -> str:
    """Labelled as Freshchat labels it, which is not what it is."""
    der = private_key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"-----BEGIN RSA PUBLIC KEY-----\n{base64.b64encode(der).decode()}\n-----END RSA PUBLIC KEY-----"


def platforms_toml() -> str:
    """Both platforms connected, nothing to send with."""
    return (
        f'[intercom]\nwebhook_keys = ["{SECRET}"]\nsender_id = "{SENDER[Platform.INTERCOM]}"\n'
        f"[freshchat]\naccount = 'ours'\nwebhook_keys = ['''{public_key()}''']\nsender_id = '{SENDER[Platform.FRESHCHAT]}'\n"
    )


def signed(platform: Platform, body: bytes) -> dict[str, str]:
    """The headers of a delivery."""
    kind = {"Content-Type": "application/json"}
    if platform is Platform.INTERCOM:
        return {**kind, intercom_signature.HEADER: intercom_signature.sign(body, SECRET)}
    signature = private_key().sign(body, PKCS1v15(), SHA256())
    return {**kind, freshchat_signature.HEADER: base64.b64encode(signature).decode()}


@dataclass
class Chat:
    """One conversation; every method is a delivery's body. Minutes count from the start of the chats."""

    platform: Platform
    conversation_id: str
    user_id: str
    contact_id: str = ""
    is_old_shape: bool = False

    def __post_init__(self) -> None:
        self.contact_id = self.contact_id or f"contact-{self.user_id}"

    def starts(self, minutes: float = 0, text: str = "Namaste") -> bytes:
        if self.platform is Platform.FRESHCHAT:
            return self.says(minutes, text)
        return self._intercom("conversation.user.created", minutes, first=text)

    def says(self, minutes: float, text: str = "How many plates?", **more: Any) -> bytes:
        if self.platform is Platform.FRESHCHAT:
            return self._freshchat_message(minutes, "user", self.contact_id, text, **more)
        return self._intercom("conversation.user.replied", minutes, part=self._part(minutes, "comment", text))

    def is_answered(self, minutes: float, text: str = "Forty.", agent: str = "agent-1") -> bytes:
        if self.platform is Platform.FRESHCHAT:
            return self._freshchat_message(minutes, "agent", agent, text)
        part = self._part(minutes, "comment", text, agent)
        return self._intercom("conversation.admin.replied", minutes, part=part)

    def is_assigned(self, minutes: float, agent: str = "agent-1", by: str | None = None) -> bytes:
        if self.platform is Platform.FRESHCHAT:
            return self._freshchat("conversation_assignment", minutes, by or agent, "assignment", to_agent_id=agent)
        part = self._part(minutes, "assignment", None, by or agent) | {"assigned_to": {"type": "admin", "id": agent}}
        return self._intercom("conversation.admin.assigned", minutes, part=part, admin_assignee_id=agent)

    def is_resolved(self, minutes: float, agent: str = "agent-1") -> bytes:
        if self.platform is Platform.FRESHCHAT:
            return self._freshchat("conversation_resolution", minutes, agent, "resolve", resolver="agent")
        part = self._part(minutes, "close", None, agent)
        return self._intercom("conversation.admin.closed", minutes, part=part, open=False, state="closed")

    def is_reopened(self, minutes: float, agent: str = "agent-1") -> bytes:
        if self.platform is Platform.FRESHCHAT:
            return self._freshchat("conversation_reopen", minutes, agent, "reopen", reopener="agent")
        return self._intercom("conversation.admin.opened", minutes, part=self._part(minutes, "open", None, agent))

    def _part(self, minutes: float, part_type: str, text: str | None, agent: str | None = None) -> dict[str, Any]:
        author = {"type": "admin", "id": agent, "name": "Asha"} if agent else {"type": "user", "id": self.contact_id}
        return {
            "type": "conversation_part",
            "id": f"{self.conversation_id}-{part_type}-{minutes:g}",
            "part_type": part_type,
            "body": f"<p>{text}</p>" if text is not None else None,
            "created_at": _seconds(minutes),
            "author": author,
        }

    def _intercom(
        self, topic: str, minutes: float, *, first: str | None = None, part: Any = None, **more: Any
    ) -> bytes:
        message = {
            "id": f"{self.conversation_id}-first",
            "body": f"<p>{first}</p>" if first is not None else None,
            "author": {"type": "user", "id": self.contact_id, "name": "Meera", "email": "meera@example.com"},
        }
        item: dict[str, Any] = {"type": "conversation", "id": self.conversation_id, "open": True, "state": "open"}
        if self.is_old_shape:
            item["user"] = {"type": "user", "id": self.contact_id, "user_id": self.user_id, "email": "m@example.com"}
            item["conversation_message"] = {"type": "conversation_message", **message}
        else:
            contact = {"type": "contact", "id": self.contact_id, "external_id": self.user_id}
            item["contacts"] = {"type": "contact.list", "contacts": [contact]}
            item["source"] = {"type": "conversation", "delivered_as": "customer_initiated", **message}
        parts = [part] if part is not None else []
        item |= {
            "created_at": _seconds(minutes if first is not None else 0),
            "updated_at": _seconds(minutes),
            "conversation_parts": {"type": "conversation_part.list", "conversation_parts": parts},
            **more,
        }
        envelope = {
            "type": "notification_event",
            "id": f"notif_{self.conversation_id}_{topic}_{minutes:g}",
            "topic": topic,
            "app_id": "ours",
            "created_at": _seconds(minutes) + 1,
            "data": {"type": "notification_event_data", "item": item},
        }
        return json.dumps(envelope).encode()

    def _freshchat_message(
        self,
        minutes: float,
        actor_type: str,
        actor_id: str,
        text: str,
        *,
        is_odd: bool = False,
        is_private: bool = False,
    ) -> bytes:
        parts = [{"text": {"content": text}}]
        message: dict[str, Any] = {
            "id": f"{self.conversation_id}-{actor_type}-{minutes:g}",
            "conversation_id": self.conversation_id,
            "channel_id": "channel-web",
            "actor_type": actor_type,
            "actor_id": actor_id,
            "created_time": _iso(minutes),
        }
        message |= {"msg_parts": parts} if is_odd else {"message_parts": parts, "message_type": "normal"}
        if is_private:
            message["message_type"] = "private"
        return self._freshchat_body("message_create", minutes, actor_type, actor_id, {"message": message})

    def _freshchat(self, action: str, minutes: float, actor_id: str, name: str, **more: Any) -> bytes:
        conversation = {"conversation_id": self.conversation_id, "channel_id": "channel-web", "status": "new"}
        data = {name: {"conversation": conversation, **more}}
        return self._freshchat_body(action, minutes, "agent", actor_id, data)

    def _freshchat_body(self, action: str, minutes: float, actor_type: str, actor_id: str, data: Any) -> bytes:
        actor = {"actor_type": actor_type, "actor_id": actor_id}
        envelope = {"actor": actor, "action": action, "action_time": _iso(minutes), "data": data}
        return json.dumps(envelope, ensure_ascii=False).encode()


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def _seconds(minutes: float) -> int:
    return int(at(minutes).timestamp())


def _iso(minutes: float) -> str:
    return at(minutes).isoformat(timespec="milliseconds").replace("+00:00", "Z")
