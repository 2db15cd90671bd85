"""Who may tell of a user, and of whom."""

from typing import Annotated

from fastapi import Depends

from api.auth import require_own, requires
from api.errors import BadRequest
from api.tokens.keyring import Principal
from store.enums import Role

Teller = Annotated[Principal, Depends(requires(Role.APP, Role.USER))]


def own_user(caller: Principal, user_id: str | None) -> str:
    """The user that a body is about. Raises `BadRequest` if it names none, `NotFound` if it is not the caller's."""
    wanted = user_id or caller.user_id
    if wanted is None:
        raise BadRequest("userId: is missing")
    require_own(caller, wanted)
    return wanted
