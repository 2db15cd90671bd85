import argparse
import sys

from cli.problems import Problem


def run(options: argparse.Namespace) -> int:
    from api.tokens.service import KeyNeedsAgent, create_key
    from store.enums import Role
    from store.settings import Settings

    label = options.label or f"{options.role} key made on the command line"
    try:
        key = create_key(Settings.from_environment(), role=Role(options.role), label=label, agent_id=options.agent)
    except KeyNeedsAgent as error:
        raise Problem(str(error), "use the id of an agent in the operational store") from error
    print("Shown once, kept nowhere in clear. Send it as: Authorization: Bearer <key>", file=sys.stderr)
    print(key)
    return 0
