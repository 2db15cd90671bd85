"""The child process of `run_extract`: a request as JSON on standard input, the answer as JSON on standard output."""

import json
import sys
from datetime import datetime
from pathlib import Path

import duckdb

from ingestion.extract.process import extract
from ingestion.raw import RawIsDamaged
from store.settings import Settings


def main() -> int:
    request = json.load(sys.stdin)
    try:
        result = extract(
            Settings.at(Path(request["var_dir"]), request["operations_url"]),
            as_of=datetime.fromisoformat(request["as_of"]) if request["as_of"] else None,
            full=request["full"],
            scan_threads=request["scan_threads"],
        )
    except (duckdb.Error, OSError, RawIsDamaged) as error:
        sys.stderr.write(" ".join(str(error).split()) + "\n")
        return 1
    answer = {"directory": str(result.manifest.directory), "is_full": result.is_full, "seconds": result.seconds}
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
