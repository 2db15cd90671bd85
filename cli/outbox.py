import argparse
from collections import Counter

from cli.problems import Problem

MOST = 1_000


def run(options: argparse.Namespace) -> int:
    """List messages, or have them sent again by whoever serves."""
    from api.errors import Problem as Refused
    from api.outbox.service import list_messages, resend
    from store import clock
    from store.display import moment
    from store.enums import Destination, OutboxState
    from store.session import open_store
    from store.settings import Settings

    states = [OutboxState(state.upper()) for state in options.states]
    destination = Destination(options.destination) if options.destination else None
    with open_store(Settings.from_environment()) as store:
        with store.read() as connection:
            rows = list_messages(connection, states, MOST, destination)
        if options.action == "list":
            for row in rows:
                reason = row.failure or "-"
                print(
                    f"{row.message_id}  {row.state:<9}  {row.destination:<9}  {row.kind:<19}  {moment(row.created_at)}  {reason}"
                )
            told = ", ".join(f"{count} {state}" for state, count in Counter(row.state for row in rows).items())
            print(f"{told or 'Nothing'}{f' (the newest {MOST})' if len(rows) == MOST else ''}.")
            return 0
        wanted = options.messages or [row.message_id for row in reversed(rows) if row.state != OutboxState.PENDING]
        refused = 0
        for message_id in wanted:
            try:
                store.write(resend, message_id, clock.now())
            except Refused as error:
                refused += 1
                print(f"{message_id}  {error.detail} {error.remedy}")
    print(f"{len(wanted) - refused} will be sent again while ./supportled up runs.")
    if refused and refused == len(wanted):
        raise Problem("none of them can be sent again", "./supportled outbox list shows what can")
    return 0
