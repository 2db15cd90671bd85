"""POST /tokens/user for the app's backend; /tokens/keys for admins."""

from fastapi import APIRouter, Depends, Response

from api.auth import requires
from api.deps import KeyId, KeyringDep, Once, StoreDep, UserTokensDep
from api.errors import BadRequest
from api.tokens import service
from api.tokens.schemas import KeyAnswer, KeyInput, KeysAnswer, NewKeyAnswer, UserTokenAnswer, UserTokenInput
from api.tokens.user_tokens import rotate_signing_key
from store.enums import KEY_ROLES, Role

router = APIRouter(prefix="/tokens", tags=["tokens"])
ADMINS = [Depends(requires(Role.ADMIN))]


@router.post("/user", dependencies=[Depends(requires(Role.APP))])
async def post_user_token(wanted: UserTokenInput, tokens: UserTokensDep) -> UserTokenAnswer:
    """A token for one hour with which a phone calls as this user, and sees this user only."""
    minted = await tokens.mint(wanted.user_id)
    return UserTokenAnswer(token=minted.token, expires_at=minted.expires_at)


@router.post("/keys", status_code=201, dependencies=ADMINS)
async def post_key(wanted: KeyInput, store: StoreDep) -> NewKeyAnswer:
    """Make a key. It is in this answer and nowhere else."""
    if wanted.role not in KEY_ROLES:
        raise BadRequest(f"role: {wanted.role} holds no key", remedy="POST /tokens/user mints a user's token.")
    try:
        key = await store.writer.submit(
            service.insert_key, role=wanted.role, label=wanted.label, agent_id=wanted.agent_id
        )
    except service.KeyNeedsAgent as error:
        raise BadRequest(f"agentId: {error}") from error
    return NewKeyAnswer(key=key, key_id=key.split("_")[1])


@router.get("/keys", dependencies=ADMINS)
async def get_keys(store: StoreDep) -> KeysAnswer:
    """Every key there is or was, newest first, without its secret."""
    with store.read() as connection:
        return KeysAnswer(keys=[KeyAnswer.of(row) for row in service.list_keys(connection)])


@router.delete("/keys/{keyId}", status_code=204, dependencies=ADMINS)
async def delete_key(key_id: KeyId, store: StoreDep, keyring: KeyringDep) -> Response:
    """Revoke a key: here it is refused at once, by other API processes within five seconds."""
    await store.writer.submit(service.revoke_key, key_id)
    keyring.forget(key_id)
    return Response(status_code=204)


@router.post("/signing-keys", status_code=204, dependencies=ADMINS)
async def post_signing_key(tokens: UserTokensDep, once: Once) -> Response:
    """Sign user tokens with a new secret. The one before is still believed: doing it twice ends every token there is."""
    answer = await once(204, rotate_signing_key)
    tokens.reload()
    return answer
