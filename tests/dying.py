"""`python -m tests.dying PLACE N ARGS…`: bot, killed by SIGKILL the Nth time it comes to PLACE."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace

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

    return replace(real(), reached=reached)


wiring.system_world = world
main(sys.argv[3:])
