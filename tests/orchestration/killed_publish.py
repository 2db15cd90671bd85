"""A child of test_publish_kills: publishes, and is killed by SIGKILL as a step begins.

`python -m tests.orchestration.killed_publish VAR STEP`
"""

import os
import signal
import sys
from pathlib import Path

from store.settings import Settings
from tests.orchestration.warehouses import publish_small

if __name__ == "__main__":
    last = sys.argv[2]

    def die_at(step: str) -> None:
        if step == last:
            os.kill(os.getpid(), signal.SIGKILL)

    publish_small(Settings.at(Path(sys.argv[1])), die_at)
