import argparse
from collections.abc import Sequence
from pathlib import Path

from cli.problems import Problem


def run(options: argparse.Namespace) -> int:
    """Check a sample, list what was given up, or have it applied again by whoever serves."""
    if options.action == "verify":
        return _verify(options.platform, options.file, options.signature)

    from api.webhooks.dead import list_dead, replay_dead
    from store.display import moment
    from store.session import open_store
    from store.settings import Settings

    with open_store(Settings.from_environment()) as store:
        if options.action == "replay":
            count = store.write(replay_dead, options.events)
            print(f"{count} will be applied again while ./supportled up runs.")
            if not count and options.events:
                raise Problem("none of them is dead", "./supportled webhooks list shows what is")
            return 0
        with store.read() as connection:
            rows = list_dead(connection)
    for row in rows:
        print(f"{row.event_id}  {row.platform:<9}  {row.topic:<28}  {moment(row.received_at)}  {row.failure}")
    print(f"{len(rows) or 'Nothing'} dead.")
    return 0


def _verify(platform: str, file: Path, signature: str) -> int:
    """Whether the file's bytes fit the signature by a configured key; where they do not, what may have happened to them."""
    from ingestion.platforms.freshchat import signature as freshchat
    from ingestion.platforms.intercom import signature as intercom
    from store.enums import Platform
    from store.platform_settings import read_connections
    from store.settings import Settings

    settings = Settings.from_environment()
    connected = read_connections(settings.platforms_file).of(Platform(platform))
    keys = connected.webhook_keys if connected is not None else ()
    if not keys:
        raise Problem(
            f"{settings.platforms_file} has no webhook key of {platform}",
            "add webhook_keys to its section; docs/runbooks/chat-platforms.md shows how",
        )
    find = intercom.find_fault if platform == Platform.INTERCOM else freshchat.find_fault
    body = file.read_bytes()
    try:
        fault = find(body, signature, keys)
    except freshchat.KeyUnreadable as error:
        raise Problem(str(error), "copy the account's public key again, whole") from error
    if fault is None:
        print(f"The signature fits these {len(body)} bytes and a configured key of {platform}.")
        return 0
    fits = [how for how, changed in _variants(body) if changed != body and find(changed, signature, keys) is None]
    raise Problem(fault, _remedy(fits, keys))


def _variants(body: bytes) -> Sequence[tuple[str, bytes]]:
    """What editors, consoles and proxies do to bytes."""
    return (
        ("without the line end at its end", body.rstrip(b"\r\n")),
        ("with a line end at its end", body + b"\n"),
        ("with LF line ends", body.replace(b"\r\n", b"\n")),
        ("with CRLF line ends", body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")),
        ("without the mark at its beginning", body.removeprefix(b"\xef\xbb\xbf")),
    )


def _remedy(fits: Sequence[str], keys: Sequence[str]) -> str:
    if fits:
        return f"the key is right: the file is another one than was signed, it fits {fits[0]}"
    return f"compare the {len(keys)} configured with the platform's page, and take the body as it was received, byte for byte"
