"""Ids of our own rows: ordered by time for live ones, the same at every import for those from files."""

import hashlib
import io
import os
import threading
import uuid
from datetime import datetime, timedelta

from store.tables.columns import EPOCH

FILE_ROWS = uuid.UUID("6f1d1c5e-2c39-5f0b-9a3f-0d6a6f3f6c11")
"""The namespace of `file_row_id`, for those who compute it for a whole column at once."""
_MILLISECOND = timedelta(milliseconds=1)
_TAIL_BITS = 74
_REMEMBERED = 64
_DRAWN_AT_ONCE = 4_096
_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62


class _Sequence:
    """The 74 bits below a UUIDv7's milliseconds: random at each new millisecond, rising by a random step within one.

    With a leading 0 and steps below 2^48, more than 30 million ids fit into a millisecond before the bits run out.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tails: dict[int, int] = {}
        self._drawn = io.BytesIO()

    def next_tail(self, millisecond: int) -> int:
        """A few milliseconds are remembered: ids of one instant keep their order beside ids of another, as a change that also
        dates something back makes them, or another thread."""
        with self._lock:
            tail = self._tails.get(millisecond)
            if tail is None:
                if len(self._tails) == _REMEMBERED:
                    del self._tails[next(iter(self._tails))]
                tail = self._draw(10) >> (80 - _TAIL_BITS + 1)
            else:
                tail += 1 + self._draw(6)
            self._tails[millisecond] = tail
            return tail

    def _draw(self, length: int) -> int:
        """So many random bytes. The system is asked for many at once: it lets other threads run at each question."""
        drawn = self._drawn.read(length)
        if len(drawn) < length:
            self._drawn = io.BytesIO(os.urandom(_DRAWN_AT_ONCE))
            drawn = self._drawn.read(length)
        return int.from_bytes(drawn)


_sequence = _Sequence()
os.register_at_fork(after_in_child=_sequence.__init__)  # or parent and child would draw the same


def new_id(at: datetime) -> str:
    """A UUIDv7 of the instant `at` (aware). Ids made in one process for one millisecond sort in the order of the calls."""
    millisecond = (at - EPOCH) // _MILLISECOND
    tail = _sequence.next_tail(millisecond)
    low_bits = tail & ((1 << 62) - 1)
    return _text((millisecond << 80) | _VERSION_7 | ((tail >> 62) << 64) | _VARIANT | low_bits)


def file_row_id(source: str, native_id: str) -> str:
    """The UUIDv5 of a row from a file, so that a second import gives the same id."""
    return str(uuid.uuid5(FILE_ROWS, f"{source}\x00{native_id}"))


def is_in_holdout(user_id: str, share: float) -> bool:
    """Whether the user is one of the `share` (0 to 1) who are never prompted. Stable; a larger share holds a smaller one."""
    digest = hashlib.sha256(user_id.encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64 < share


def _text(value: int) -> str:
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
