"""A changed configuration: noticed, read and checked before anything of the old one ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from bot.app.turn import agree_first_run
from bot.app.wiring import App
from bot.config import load
from bot.errors import ConfigError
from bot.i18n import Message, msg

Stamps = tuple[tuple[str, tuple[int, int, int] | None], ...]


def stamps(app: App) -> Stamps:
    """What the configuration's files look like from outside: Hugo's own, too, where it decides."""
    return tuple((str(file), _stamp(file)) for file in _files(app))


def renewed(app: App, *, first_run: bool) -> App:
    """The app of the configuration as it is now; it takes over the ledger when the old one has
    ended. Raises ConfigError, and then nothing has changed."""
    config = load(os.path.basename(app.config.file), app.config.root)
    new = App(config, app.world)
    _refuse(app, new, app.site_id == new.site_id, "site.id", msg("the site is another one now"))
    same_store = app.config.state == new.config.state
    _refuse(app, new, same_store, "state.url", msg("the ledger is at another place now"))
    new.check()
    new.__dict__["ledger"] = app.ledger
    agree_first_run(new, agreed=first_run)
    return new


def hand_over(old: App) -> None:
    """The old app ends without the ledger, which is the new one's now."""
    old.__dict__.pop("ledger", None)
    old.close()


def _refuse(old: App, new: App, same: bool, key: str, why: Message) -> None:
    if not same:
        raise ConfigError(
            why,
            code="needs-restart",
            path=old.config.file,
            line=new.config.lines.get(key),
            key=key,
            hint=msg("end bot run and start it again"),
        )


def _files(app: App) -> Iterator[Path]:
    root = Path(app.config.root)
    yield root / os.path.basename(app.config.file)
    if app.config.content.hugo:
        folder = root / app.config.content.hugo
        yield from sorted(
            folder / f"{name}.{ending}"
            for name in ("hugo", "config")
            for ending in ("toml", "yaml", "yml", "json")
        )
        yield from sorted(path for path in (folder / "config").rglob("*") if path.is_file())


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        info = file.stat()
    except OSError:
        return None
    return info.st_mtime_ns, info.st_size, info.st_ino
