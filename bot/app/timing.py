"""When: what settings, rules and front matter say of it, as the plan asks for it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from bot.app.wiring import App
from bot.content.dates import BadDate, read_date
from bot.errors import DraftError
from bot.i18n import msg
from bot.model import Post
from bot.outbox.pacing import openings
from bot.outbox.slots import DAY
from bot.outbox.states import micros
from bot.settings import Account


class When:
    """The answers for one plan at `now` (UTC microseconds)."""

    def __init__(self, app: App, now: int) -> None:
        self._app, self._now = app, now
        self._zone = ZoneInfo(app.config.site.timezone)

    def priority(self, account: Account, post: Post) -> int:
        from bot.compose.routing import route

        return route(post, account).priority if account.rules or post.social else 0

    def at(self, account: Account, post: Post) -> int | None:
        """The time that the author set (`social.at`); None: none, or it cannot be read."""
        try:
            return self.said_at(account, post)
        except DraftError:
            return None

    def said_at(self, account: Account, post: Post) -> int | None:
        """As `at`. Raises DraftError for a time that cannot be read."""
        from bot.compose.social import social_for

        said = social_for(post.social, account.network).at if post.social else None
        if said is None:
            return None
        try:
            moment = read_date(said, self._zone)
        except BadDate as bad:
            raise DraftError(
                msg("`social.at` is no time: {value}", value=str(bad)),
                code="social-at",
                path=post.path,
                hint=msg("write it like 2026-12-24 18:00"),
            ) from bad
        return micros(moment) if moment is not None else None

    def max_age(self, account: Account) -> int | None:
        pace = self._app.pace(account.name)
        return pace.timing.max_age if pace else None

    def room(self, account: Account, most: int) -> int:
        """How many posts (at most so many) would go out within a day."""
        pace = self._app.pace(account.name)
        if pace is None or not most:
            return most
        moments = openings(pace.timing, (), self._now, most)
        return sum(moment < self._now + DAY for moment in moments)
