"""Who is calling, and whether the route is theirs."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.errors import NotAllowed, Unauthenticated
from api.tokens.service import Principal, find_principal
from store.enums import Role

_bearer = HTTPBearer(auto_error=False, description="An API key: ./supportled token create --role ROLE")


async def authenticate(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Principal:
    """The caller, from the bearer key. Raises `Unauthenticated`."""
    if credentials is None:
        raise Unauthenticated("No key was sent.", headers={"WWW-Authenticate": "Bearer"})
    with request.app.state.store.read() as connection:
        principal = find_principal(connection, credentials.credentials)
    if principal is None:
        raise Unauthenticated("The key is not valid, or was revoked.", headers={"WWW-Authenticate": "Bearer"})
    return principal


def requires(*roles: Role) -> Callable[[Principal], Coroutine[Any, Any, Principal]]:
    """A dependency that lets only these roles pass; their names are readable for the route × role table of the tests."""

    async def check(principal: Annotated[Principal, Depends(authenticate)]) -> Principal:
        if principal.role not in roles:
            raise NotAllowed(f"This needs a key of role {' or '.join(roles)}; yours is {principal.role}.")
        return principal

    return check


KPI_READERS = [Depends(requires(Role.ANALYST, Role.INVESTOR, Role.ADMIN))]
"""May see figures and trends, no rows."""

ANALYST_ROLES = (Role.ANALYST, Role.ADMIN)
ANALYSTS = [Depends(requires(*ANALYST_ROLES))]
"""May see analytics with the rows behind them."""
