"""The weekly report where people read it: a folder, mail, chat. Each destination gets each week once."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from orchestration.deliveries.destinations import Destination, Mail, read_destinations
from orchestration.deliveries.sending import Message, NotDelivered, send
from orchestration.locks import exclusive
from orchestration.versions import write_durably
from store import clock
from store.settings import Settings


class DeliveryFailed(Exception):
    """Some destinations could not be reached; the others have the report. Trying again concerns the former only."""

    remedy = "See that the servers of var/delivery.toml answer, then run the job weekly_report again."


@dataclass(frozen=True, slots=True)
class Delivered:
    """Names of destinations, recipients of mail counted by a hash: who got the report now, and who had it."""

    now: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)


def deliver(settings: Settings, week: str) -> Delivered:
    """Deliver the written report of an ISO week to every destination that has not had it.

    What was delivered is a file in `var/deliveries/<week>`, written after the destination took the report: a kill in
    between repeats one delivery, with the same message id. Raises `DeliveryFailed` once all were tried,
    `DeliverySettingsInvalid`, FileNotFoundError when the report was not written.
    """
    destinations = read_destinations(settings)
    delivered, failed = Delivered(), []
    if not destinations:
        return delivered
    message = Message.of_report(settings.reports_dir / week, week)
    with exclusive(settings.deliveries_dir / "lock"):
        for name, destination, recipient in _addressed(destinations):
            record = settings.deliveries_dir / week / f"{name}.json"
            if record.exists():
                delivered.before.append(name)
                continue
            try:
                send(message, destination, name, recipient)
            except NotDelivered as error:
                failed.append(f"{name}: {error}")
                continue
            entry = {"delivered_at": clock.now().isoformat().replace("+00:00", "Z"), "version": message.version}
            write_durably(record, json.dumps(entry) + "\n")
            delivered.now.append(name)
    if failed:
        raise DeliveryFailed("; ".join(failed))
    return delivered


def _addressed(destinations: list[Destination]) -> Iterator[tuple[str, Destination, str]]:
    """Each destination with a name for files and logs, which holds no address; mail once for each recipient."""
    for destination in destinations:
        kind = type(destination).__name__.lower()
        if isinstance(destination, Mail):
            for recipient in destination.recipients:
                digest = sha256(recipient.strip().lower().encode()).hexdigest()[:12]
                yield f"{kind}.{destination.name}.{digest}", destination, recipient
        else:
            yield f"{kind}.{destination.name}", destination, ""
