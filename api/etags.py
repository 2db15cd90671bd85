"""Strong ETags, and writing only what one has seen."""

from api.errors import PreconditionFailed, PreconditionRequired


def strong_etag(*parts: object) -> str:
    """The tag of one state: the name of the thing and what counts its changes, as ("friction", 3)."""
    return f'"{"-".join(str(part) for part in parts)}"'


def require_match(if_match: str | None, etag: str, *, is_required: bool = False) -> None:
    """Pass if the caller wrote for this state (If-Match names `etag`, or `*`), or, unless required, names none.

    Call it within the change, on what was just read there. Raises `PreconditionFailed` (412), `PreconditionRequired` (428).
    """
    if if_match is None:
        if is_required:
            raise PreconditionRequired("This replaces what is there: If-Match must say what you saw.")
        return
    tags = {tag.strip() for tag in if_match.split(",")}
    if "*" not in tags and etag not in tags:
        raise PreconditionFailed("It changed since you read it.", headers={"ETag": etag})


def is_known(if_none_match: str | None, etag: str) -> bool:
    """Whether the caller already has this state (then answer 304)."""
    return if_none_match is not None and etag in {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
