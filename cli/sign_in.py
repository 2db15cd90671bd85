import argparse
import sys

from cli.problems import Problem


def run(options: argparse.Namespace) -> int:
    from api.dashboard.sign_in import make_link
    from api.errors import BadRequest
    from cli.processes import HOST
    from store.enums import Role
    from store.settings import Settings

    try:
        link = make_link(Settings.from_environment(), role=Role(options.role), agent_id=options.agent)
    except BadRequest as error:
        raise Problem(error.detail, error.remedy) from error
    print("Open it within 24 hours; it works once.", file=sys.stderr)
    print(f"http://{HOST}:{options.port}/sign-in/{link.token}")
    return 0
