"""`python -m tests.dying PLACE N ARGS…`: bot, killed by SIGKILL the Nth time it comes to PLACE.

What is to be tried again is tried again at once. With `careless` for a place it lives, and its SQLite does not wait for the disk at each commit.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from typing import Any
from unittest import mock

from bot.app import wiring
from bot.cli.main import main

place, count = sys.argv[1], int(sys.argv[2])
real = wiring.system_world


def world() -> wiring.World:
    seen = 0

    def reached(name: str) -> None:
        nonlocal seen
        seen += name == place
        if name == place and seen == count:
            os.kill(os.getpid(), signal.SIGKILL)

    return replace(real(), reached=reached, jitter=lambda: 0.0)


def careless() -> None:
    from sqlalchemy import event

    from bot.ledger import engine

    set_up = engine._set_up_sqlite

    def hasty(made: Any, readonly: bool) -> None:
        set_up(made, readonly)
        event.listen(made, "connect", lambda c, _: c.execute("PRAGMA synchronous = NORMAL"))

    mock.patch.object(engine, "_set_up_sqlite", hasty).start()


wiring.system_world = world
if place == "careless":
    careless()
main(sys.argv[3:])
