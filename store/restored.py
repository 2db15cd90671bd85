"""Which store a restore put here: the build after it takes that one for the last one's successor."""

from store.settings import Settings

_NAME = "restored-store"


def note_restored(settings: Settings, store_id: str) -> None:
    """Write down the identity that a restored store was given. It means nothing until that store is in its place."""
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    (settings.var_dir / _NAME).write_text(store_id + "\n", encoding="utf-8")


def restored_store_id(settings: Settings) -> str | None:
    """The identity of the store that was restored last, None if none ever was."""
    path = settings.var_dir / _NAME
    return path.read_text(encoding="utf-8").strip() if path.is_file() else None
