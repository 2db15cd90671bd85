"""Who is calling, and whether the route is theirs."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.errors import NotAllowed, NotFound, Unauthenticated
from api.tokens.keyring import Principal
from store.enums import Role

_bearer = HTTPBearer(auto_error=False, description="An API key, or a user token of POST /tokens/user.")
_CHALLENGE = {"WWW-Authenticate": "Bearer"}


async def authenticate(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Principal:
    """The caller, from the bearer key or user token, within its rate. Raises `Unauthenticated`, `TooManyRequests`."""
    if credentials is None:
        raise Unauthenticated("No key was sent.", headers=_CHALLENGE)
    state = request.app.state
    principal = state.keyring.find(credentials.credentials) or state.user_tokens.find(credentials.credentials)
    if principal is None:
        raise Unauthenticated("The key is not valid: unknown, revoked, or a token that expired.", headers=_CHALLENGE)
    request.scope["principal"] = principal
    state.rates.take(principal)
    return principal


Caller = Annotated[Principal, Depends(authenticate)]


@dataclass(frozen=True, slots=True)
class RoleGuard:
    """A dependency that lets only some roles pass. The tests' table of routes and the OpenAPI document read `roles`."""

    roles: tuple[Role, ...]

    async def __call__(self, principal: Caller) -> Principal:
        if principal.role not in self.roles:
            raise NotAllowed(f"This needs the role {' or '.join(self.roles)}; yours is {principal.role}.")
        return principal


def requires(*roles: Role) -> RoleGuard:
    """The guard of these roles: `dependencies=[Depends(requires(Role.APP))]`, or `Annotated[Principal, Depends(...)]`."""
    return RoleGuard(roles)


def require_own(principal: Principal, user_id: str | None) -> None:
    """A user sees that user only; the rest looks as if it were not there. Raises `NotFound`."""
    if principal.role is Role.USER and principal.user_id != user_id:
        raise NotFound("There is no such thing, or it is not yours.")


KPI_READERS = [Depends(requires(Role.ANALYST, Role.INVESTOR, Role.ADMIN))]
"""May see figures and trends, no rows."""

ANALYST_ROLES = (Role.ANALYST, Role.ADMIN)
ANALYSTS = [Depends(requires(*ANALYST_ROLES))]
"""May see analytics with the rows behind them."""
