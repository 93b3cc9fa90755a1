"""The networks: a line each. Importing this costs nothing; `make` loads what sending needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bot.i18n import Message
from bot.model import Poster, Replay, TextLimit
from bot.posters import bluesky, file, mastodon, mastodon_server, misskey, x
from bot.posters.base import ReadSecret
from bot.settings import Account

if TYPE_CHECKING:
    from bot.net import Net

__all__ = ["NETWORKS", "Network", "ReadSecret"]

Missing = Callable[[Account, ReadSecret], Message | None]
Make = Callable[[Account, ReadSecret, "Net", Path], Poster]
Ends = Callable[[Account, Path], datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """`limit`: how it counts; `built`: posts are sent; `missing`: why an account is not ready
    (None: it is); `make(account, read_secret, net, root)`: its poster, `root` the configuration's
    folder; `lost`: how a lost answer is settled, where servers differ in each of these ways;
    `ends(account, root)`: when the login that is kept ends, where it tells; `changes`: what can be
    done to a post that is there."""

    name: str
    limit: TextLimit
    missing: Missing
    make: Make
    built: bool = False
    lost: tuple[Replay, ...] = (Replay.SEARCHABLE,)
    ends: Ends | None = None
    changes: frozenset[str] = frozenset({"retract"})


NETWORKS: Mapping[str, Network] = {
    network.name: network
    for network in (
        Network(
            name="file",
            limit=file.LIMIT,
            built=True,
            missing=file.missing,
            make=file.make,
            changes=frozenset(),
        ),
        Network(
            name="mastodon",
            limit=mastodon_server.LIMIT,
            built=True,
            missing=mastodon.missing,
            make=mastodon.make,
            lost=(Replay.KEYED, Replay.SEARCHABLE),
            changes=frozenset({"edit", "retract"}),
        ),
        Network(name="x", limit=x.LIMIT, built=True, missing=x.missing, make=x.make),
        Network(
            name="bluesky",
            limit=bluesky.LIMIT,
            built=True,
            missing=bluesky.missing,
            make=bluesky.make,
            lost=(Replay.KEYED,),
            ends=bluesky.login_ends,
        ),
        Network(
            name="misskey",
            limit=misskey.LIMIT,
            built=True,
            missing=misskey.missing,
            make=misskey.make,
        ),
    )
}
