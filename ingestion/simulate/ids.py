"""UUIDv7 that a seed decides: the same arguments give the same demo, to the byte."""

import random


class Ids:
    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def at(self, at_us: int) -> str:
        """A new id of an instant (microseconds since 1970)."""
        bits = self._rng.getrandbits(74)
        value = (at_us // 1000) << 80 | 0x7 << 76 | (bits >> 62) << 64 | 0b10 << 62 | bits & ((1 << 62) - 1)
        text = f"{value:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
