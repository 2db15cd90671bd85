import argparse
import sys


def run(options: argparse.Namespace) -> int:
    from api.tokens.service import create_key
    from store.enums import Role
    from store.migrations import migrate
    from store.settings import Settings

    settings = Settings.from_environment()
    migrate(settings.operations_url)
    label = options.label or f"{options.role} key made on the command line"
    key = create_key(settings, role=Role(options.role), label=label, agent_id=options.agent)
    print("Shown once, kept nowhere in clear. Send it as: Authorization: Bearer <key>", file=sys.stderr)
    print(key)
    return 0
