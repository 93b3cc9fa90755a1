"""Whoever looks after bot is told when health turns bad, and when it is well again: once a turn, the
same trouble at most once a day. That telling fails hurts nothing else."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from bot.app.health import Trouble
from bot.app.wiring import App
from bot.errors import BotError
from bot.i18n import Message, msg
from bot.outbox.states import SECOND, micros
from bot.settings import Mail

log = logging.getLogger("bot.notify")

DAY = 86_400 * SECOND
AGAIN = 600 * SECOND
"""After a notification that failed, the next is tried so much later."""
SECONDS = 15.0

News = Literal["bad", "well"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was told: `bad`, and when each trouble (by its key) was told last."""

    bad: bool = False
    at: Mapping[str, int] = field(default_factory=dict)


def turn(told: Told, troubles: Sequence[Trouble], now: int) -> tuple[News | None, Told]:
    """What is news now, and what is told after it is told."""
    fresh = {key: at for key, at in told.at.items() if timely(now - at)}
    keys = {trouble.key for trouble in troubles}
    if keys - fresh.keys():
        return "bad", Told(bad=True, at=fresh | dict.fromkeys(keys, now))
    if told.bad and not keys:
        return "well", Told(bad=False, at=fresh)
    return None, told


def timely(age: int) -> bool:
    return 0 <= age < DAY


class Notifier:
    """For one process; `notice` is called again and again, and comes back at once."""

    def __init__(self, app: App) -> None:
        self._app, self._file = app, app.root / "state" / "told.json"
        self._busy = threading.Lock()
        self._not_before = 0

    @property
    def wanted(self) -> bool:
        return self._app.config.notify.webhook is not None or bool(
            self._app.config.notify.mail.host
        )

    def notice(self, troubles: Sequence[Trouble]) -> threading.Thread | None:
        """Tell what is news in a thread of its own (answered); None where nothing is."""
        now = micros(self._app.now())
        news, after = turn(self._told(), troubles, now)
        if news is None or now < self._not_before or not self._busy.acquire(blocking=False):
            return None
        work = threading.Thread(
            target=self._tell,
            args=(news, list(troubles), after, now),
            name="bot-notify",
            daemon=True,
        )
        work.start()
        return work

    def _tell(self, news: News, troubles: list[Trouble], after: Told, now: int) -> None:
        try:
            sent = [self._try(way, news, troubles) for way in (self._post, self._mail)]
            if any(sent):
                self._keep(after)
            else:
                self._not_before = now + AGAIN
        finally:
            self._busy.release()

    def _try(self, way: Any, news: News, troubles: list[Trouble]) -> bool:
        try:
            return bool(way(news, troubles))
        except Exception as error:
            why = error.message if isinstance(error, BotError) else type(error).__name__
            log.warning("%s", msg("nobody could be told of it: {why}", why=why))
            return False

    def _post(self, news: News, troubles: list[Trouble]) -> bool:
        secret = self._app.config.notify.webhook
        address = self._app.read_secret(secret) if secret else None
        if address is None:
            return False
        answer = self._app.net().request("POST", address, json=self._body(news, troubles), timeout=SECONDS)  # fmt: skip
        if answer.status >= 300:
            log.warning("%s", msg("nobody could be told of it: {why}", why=answer.status))
        return answer.status < 300

    def _body(self, news: News, troubles: list[Trouble]) -> dict[str, Any]:
        """`text` and `content` are what Slack, Mattermost and Discord show."""
        words = "\n".join([str(_subject(self._app.site_id, news)), *_lines(troubles)])
        return {
            "text": words,
            "content": words,
            "site": self._app.site_id,
            "health": news,
            "troubles": [
                {"code": t.code, "account": t.account, "message": str(t.message)} for t in troubles
            ],
        }

    def _mail(self, news: News, troubles: list[Trouble]) -> bool:
        mail = self._app.config.notify.mail
        if not mail.host:
            return False
        password = self._app.read_secret(mail.password) if mail.password else None
        words = "\n".join(_lines(troubles) or [str(msg("All is well."))])
        send_mail(mail, password, _subject(self._app.site_id, news), words)
        return True

    def _told(self) -> Told:
        try:
            return Told(**json.loads(self._file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return Told()

    def _keep(self, told: Told) -> None:
        from bot.posters.kept import write_private

        write_private(self._file, json.dumps(asdict(told)))


def send_mail(mail: Mail, password: str | None, subject: Message, words: str) -> None:
    """One mail. Raises OSError or SMTPException."""
    import smtplib
    import ssl
    from email.message import EmailMessage

    letter = EmailMessage()
    letter["Subject"] = " ".join(str(subject).split())
    letter["From"], letter["To"] = mail.sender, ", ".join(mail.to)
    letter["Auto-Submitted"] = "auto-generated"  # https://www.rfc-editor.org/rfc/rfc3834
    letter.set_content(words)
    secure = ssl.create_default_context()
    server = (
        smtplib.SMTP_SSL(mail.host, mail.port, timeout=SECONDS, context=secure)
        if mail.security == "tls"
        else smtplib.SMTP(mail.host, mail.port, timeout=SECONDS)
    )
    with server:
        if mail.security == "starttls":
            server.starttls(context=secure)
        if mail.user:
            server.login(mail.user, password or "")
        server.send_message(letter)


def _subject(site: str, news: News) -> Message:
    if news == "well":
        return msg("bot of {site}: all is well again", site=site)
    return msg("bot of {site}: something is wrong", site=site)


def _lines(troubles: Sequence[Trouble]) -> list[str]:
    return [str(trouble.message) for trouble in troubles]
