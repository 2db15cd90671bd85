# The package has no types of its own. What we name of it:
from typing import Any

sqlite_version: str
sqlite_version_info: tuple[int, int, int]

def __getattr__(name: str) -> Any: ...
