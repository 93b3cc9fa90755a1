"""On PostgreSQL a process that has planned wakes the others at once; on SQLite nobody listens."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable

from sqlalchemy import Engine, text

from bot.model import Clock

PATIENCE = 5.0
"""Seconds between two looks at whether the process is to end."""
RECONNECT_PAUSE = 10.0


def announce(engine: Engine, site: str) -> None:
    """Tell every process of this site that there is something new."""
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_notify(:channel, '')"), {"channel": _channel(site)})


def listen(
    engine: Engine, site: str, on_news: Callable[[], None], stop: threading.Event, clock: Clock
) -> threading.Thread | None:
    """Call `on_news` at each announcement until `stop`; None where the store has no such thing."""
    if engine.dialect.name != "postgresql":
        return None
    thread = threading.Thread(
        target=_listening, args=(engine, site, on_news, stop, clock), name="bot-news", daemon=True
    )
    thread.start()
    return thread


def _listening(
    engine: Engine, site: str, on_news: Callable[[], None], stop: threading.Event, clock: Clock
) -> None:
    import psycopg
    from psycopg import sql

    address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    while not stop.is_set():
        try:
            with psycopg.connect(address, autocommit=True) as connection:
                connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(_channel(site))))
                on_news()  # what was announced before this line
                while not stop.is_set():
                    for _news in connection.notifies(timeout=PATIENCE, stop_after=1):
                        on_news()
        except psycopg.Error:
            clock.wait(stop, RECONNECT_PAUSE)


def _channel(site: str) -> str:
    """A channel's name is at most 63 bytes (https://www.postgresql.org/docs/current/sql-notify.html)."""
    return "bot_" + hashlib.sha256(site.encode()).hexdigest()[:16]
