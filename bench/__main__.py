"""`make bench`: the tables of this folder, one after another; `python -m bench feeds` only that."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main(names: list[str]) -> None:
    found = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_"))
    for name in names or found:
        print(importlib.import_module(f"bench.{name}").table(), flush=True)
        print()


if __name__ == "__main__":
    main(sys.argv[1:])
