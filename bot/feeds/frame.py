"""A feed without its items: the bytes around and between them, so that items can be kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    before: bytes
    between: bytes
    after: bytes

    def chunks(self, items: Iterable[bytes]) -> Iterator[bytes]:
        yield self.before
        for number, item in enumerate(items):
            if number:
                yield self.between
            yield item
        yield self.after

    def filled(self, items: Iterable[bytes]) -> bytes:
        return b"".join(self.chunks(items))
