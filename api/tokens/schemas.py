"""Keys and tokens on the wire."""

from typing import Self

from pydantic import Field
from sqlalchemy import RowMapping

from api.wire import Id, Input, Instant, Wire
from store.enums import KEY_ROLES, Role


class UserTokenInput(Input):
    user_id: Id


class UserTokenAnswer(Wire):
    token: str = Field(description="The phone sends it as `Authorization: Bearer <token>`.")
    expires_at: Instant


class KeyInput(Input):
    role: Role = Field(description=f"One of {', '.join(KEY_ROLES)}.", examples=["APP"])
    label: str = Field(min_length=1, max_length=200, description="What it is for.", examples=["app backend, Mumbai"])
    agent_id: Id | None = Field(None, description="Whose it is: required for AGENT and SUPERVISOR, else left out.")


class KeyAnswer(Wire):
    key_id: str
    role: Role
    label: str
    agent_id: str | None
    created_at: Instant
    revoked_at: Instant | None

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        return cls.model_validate(row)


class KeysAnswer(Wire):
    keys: list[KeyAnswer]


class NewKeyAnswer(Wire):
    key: str = Field(description="Shown once; only its hash is kept.")
    key_id: str
