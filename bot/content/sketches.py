"""A sketch of a text: so little of it that it can be kept, and enough to tell an edited text from
another one. Pure."""

from __future__ import annotations

import struct
import zlib

SKETCH_LINES = 24
"""How many lines' hashes tell whether two texts are mostly the same."""
MOSTLY = 0.5


def sketch(data: bytes) -> str:
    """The smallest hashes of a file's lines: much of them stays when a few lines change."""
    hashes = sorted(set(map(zlib.crc32, data.split(b"\n"))))[:SKETCH_LINES]
    return struct.pack(f">{len(hashes)}I", *hashes).hex()


def mostly_same(one: str, other: str) -> bool:
    """Whether two sketches are of mostly the same text (the smallest of both together, and how
    many of them both have)."""
    first, second = hashes_of(one), hashes_of(other)
    smallest = sorted(first | second)[:SKETCH_LINES]
    both = first & second
    return bool(smallest) and sum(h in both for h in smallest) >= MOSTLY * len(smallest)


def hashes_of(kept: str) -> set[str]:
    """The hashes of a sketch, without that of an empty line (which every text has)."""
    return {kept[n : n + 8] for n in range(0, len(kept), 8)} - {"00000000"}
