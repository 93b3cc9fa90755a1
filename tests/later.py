"""`python -m tests.later SECONDS PLACE N ARGS…`: bot on a machine whose clock is so far ahead, killed
by SIGKILL the Nth time it comes to PLACE (`-`: never). BLIND=1: no lost answer can be settled."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.app import wiring
from bot.cli.main import main
from bot.model import Prepared, Replay
from bot.posters.mastodon import MastodonPoster

ahead, place, count = float(sys.argv[1]), sys.argv[2], int(sys.argv[3])
real, prepare = wiring.system_world, MastodonPoster.prepare


class Later(wiring.SystemClock):
    def now(self) -> datetime:
        return super().now() + timedelta(seconds=ahead)


def world() -> wiring.World:
    seen = 0

    def reached(name: str) -> None:
        nonlocal seen
        seen += name == place
        if name == place and seen == count:
            os.kill(os.getpid(), signal.SIGKILL)

    return replace(real(), reached=reached, clock=Later())


def blind(self: MastodonPoster, *args: Any) -> Prepared:
    return replace(prepare(self, *args), replay=Replay.BLIND)


if os.environ.get("BLIND"):
    MastodonPoster.prepare = blind  # type: ignore[method-assign, assignment]
wiring.system_world = world
main(sys.argv[4:])
