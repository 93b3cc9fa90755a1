"""OAuth 2.0 at X: access tokens of two hours, and refresh tokens that are good once.

https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code: each refresh gives a
new pair. It is on the disk before it is used, and one process at a time refreshes.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from bot.errors import Transient, Unauthorized
from bot.i18n import msg
from bot.posters.base import Api, ReadSecret, Row, moment, token
from bot.posters.kept import Kept
from bot.settings import Account

if TYPE_CHECKING:
    from bot.net import Net

SERVER = "https://api.x.com"
TOKEN = "/2/oauth2/token"  # noqa: S105 - an address
SCOPES = "tweet.read tweet.write users.read media.write offline.access"
EARLY = timedelta(minutes=5)
USUAL_SECONDS = 7200
ROWS = (Row(400, "", Unauthorized), Row(403, "", Unauthorized))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """`seed` tells which configured refresh token they come from: after a new login, another one."""

    seed: str
    access: str = field(repr=False)
    refresh: str = field(repr=False)
    ends: str

    def usable(self, now: datetime) -> bool:
        ends = moment(self.ends)
        return bool(self.access) and ends is not None and now + EARLY < ends


class XSessions:
    """The tokens of one account. `server` stands in for X in tests."""

    def __init__(
        self,
        account: Account,
        read: ReadSecret,
        net: Net,
        file: Path,
        server: str | None = None,
    ) -> None:
        self._account, self._read, self._net = account, read, net
        self._kept, self._server = Kept(file), server or SERVER

    def access(self) -> str:
        """An access token that is good for the next call. Raises NotSent."""
        configured = token(self._account, self._account.refresh_token, self._read)
        kept = self._tokens(configured)
        if kept.usable(self._net.clock.now()):
            return kept.access
        with self._kept.locked():
            kept = self._tokens(configured)
            if not kept.usable(self._net.clock.now()):
                self._kept.write(asdict(kept))  # what could not be kept is not asked for
                kept = self.ask(
                    {"grant_type": "refresh_token", "refresh_token": kept.refresh}, kept
                )
                self._kept.write(asdict(kept))
        return kept.access

    def reject(self, access: str) -> None:
        """X did not take this access token: the next call refreshes."""
        with self._kept.locked():
            kept = self._kept.read()
            if kept.get("access") == access:
                self._kept.write(kept | {"access": ""})

    def begin(self, code: str, verifier: str, redirect: str) -> str:
        """Turn the code of a login into tokens, keep them, and give the refresh token."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect}
        made = self.ask(form | {"code_verifier": verifier}, None)
        with self._kept.locked():
            self._kept.write(asdict(made))
        return made.refresh

    def ask(self, form: Mapping[str, str], old: Tokens | None) -> Tokens:
        """One call for a new pair. Raises Unauthorized where the person has to log in again."""
        secret = self._client_secret()
        hidden = tuple(filter(None, (*form.values(), secret)))
        api = Api(
            net=self._net,
            base=self._server,
            login=self._basic(secret),
            rows=ROWS,
            hidden=lambda: hidden,
        )
        try:
            answer = api.look("POST", TOKEN, form={**form, "client_id": self._account.client_id})
        except Unauthorized as error:
            hint = msg("Log in again: bot login {account}", account=self._account.name)
            raise Unauthorized(error.message, hint=hint) from None
        body = answer.json()
        body = body if isinstance(body, dict) and answer.status == 200 else {}
        access, refresh = body.get("access_token"), body.get("refresh_token")
        if not isinstance(access, str) or not isinstance(refresh, str):
            raise Transient(
                msg("{where} gives no tokens: {said}", where=api.host, said=answer.status)
            )
        seconds = body.get("expires_in")
        life = timedelta(seconds=seconds if isinstance(seconds, int) else USUAL_SECONDS)
        ends = (self._net.clock.now() + life).isoformat()
        return Tokens(
            seed=old.seed if old else _seed(refresh), access=access, refresh=refresh, ends=ends
        )

    def _tokens(self, configured: str) -> Tokens:
        """What is kept of this login; else the configured refresh token, to begin with."""
        try:
            kept = Tokens(**self._kept.read())
        except TypeError:
            kept = None
        seed = _seed(configured)
        return (
            kept
            if kept and kept.seed == seed
            else Tokens(seed=seed, access="", refresh=configured, ends="")
        )

    def _client_secret(self) -> str | None:
        if self._account.client_secret is None:
            return None
        return token(self._account, self._account.client_secret, self._read)

    def _basic(self, secret: str | None) -> Callable[[], Mapping[str, str]]:
        """A confidential client says who it is (RFC 6749 §2.3.1)."""
        if secret is None:
            return dict
        pair = f"{quote(self._account.client_id, safe='')}:{quote(secret, safe='')}"
        value = "Basic " + base64.b64encode(pair.encode()).decode()
        return lambda: {"Authorization": value}


def _seed(refresh: str) -> str:
    return hashlib.sha256(refresh.encode()).hexdigest()
