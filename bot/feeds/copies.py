"""Compressed copies beside a feed, for servers that hand them out (`gzip_static`, `brotli_static`).

A copy bears the time of the file it was made from, to the nanosecond: that is how it is known to be
fresh. A copy that is no longer wanted is taken away, or a server would go on handing it out.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from bot.feeds.draft import BLOCK, Draft
from bot.feeds.mark import HEAD, is_ours

GZIP, BROTLI = ".gz", ".br"


def keep_copy(path: Path, suffix: str, wanted: bool) -> None:
    """Make, leave or take away the copy of `path`. Raises FileExistsError where another's file is
    in the way, ModuleNotFoundError where brotli is wanted and not installed."""
    copy = path.with_name(path.name + suffix)
    there, time = copy.exists(), path.stat().st_mtime_ns
    if not wanted and not there:
        return
    if wanted and there and copy.stat().st_mtime_ns == time:
        return
    if wanted and suffix == BROTLI:
        _brotli()
    if there and not is_ours(_beginning(copy, suffix)):
        if wanted:
            raise FileExistsError(copy.name)
        return
    if wanted:
        _make(path, copy, _COMPRESS[suffix])
        os.utime(copy, ns=(time, time))
    else:
        copy.unlink()


def _make(path: Path, copy: Path, compress: Callable[[Iterator[bytes]], Iterator[bytes]]) -> None:
    draft = Draft(copy)
    try:
        for chunk in compress(_blocks(path)):
            draft.add(chunk)
        draft.finish()
    finally:
        draft.drop()


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block


def _gzipped(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Without name and time in its header: the same bytes each time."""
    machine = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    for block in blocks:
        yield machine.compress(block)
    yield machine.flush()


def _brotlied(blocks: Iterator[bytes]) -> Iterator[bytes]:
    machine = _brotli().Compressor(quality=9)  # 11 takes many times as long for a few per cent
    for block in blocks:
        yield machine.process(block)
    yield machine.finish()


def _beginning(copy: Path, suffix: str) -> bytes:
    """The first bytes of what is in the copy; `?` if it holds something else."""
    with copy.open("rb") as file:
        packed = file.read(HEAD)
    try:
        return _UNPACK[suffix](packed)
    except Exception:  # zlib.error, brotli.error, no brotli: no copy of ours, whatever it is
        return b"?"


def _gunzipped(packed: bytes) -> bytes:
    return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(packed, HEAD)


def _unbrotlied(packed: bytes) -> bytes:
    return bytes(_brotli().Decompressor().process(packed, output_buffer_limit=HEAD))


def _brotli() -> Any:
    return import_module("brotli")


_COMPRESS = {GZIP: _gzipped, BROTLI: _brotlied}
_UNPACK = {GZIP: _gunzipped, BROTLI: _unbrotlied}
