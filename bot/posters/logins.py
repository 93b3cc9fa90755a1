"""How a person logs in to each network, from any terminal: an address is shown, what is seen there
is pasted. What comes out are secrets by the name of their setting; nothing is stored here."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs, urlencode, urlsplit

from bot.errors import Rejected, UsageError
from bot.i18n import Message, msg
from bot.posters import x, x_session
from bot.posters.base import Api, ReadSecret, bad_address
from bot.posters.kept import session_file
from bot.settings import Account

if TYPE_CHECKING:
    from bot.net import Answer, Net

OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"
# https://docs.joinmastodon.org/api/oauth-scopes/
MASTODON_SCOPES = "read:accounts read:statuses write:statuses write:media"
# https://misskey-hub.net/docs/for-developers/api/permission/
MISSKEY_PERMISSIONS = "read:account,write:notes,write:drive"
X_AUTHORIZE = "https://x.com/i/oauth2/authorize"
X_REDIRECT = "http://127.0.0.1:8765/"
"""Nothing listens there: the browser shows the address with the code, also on another machine."""


class Talk(Protocol):
    """With the person at the terminal."""

    def show(self, message: Message, url: str | None = None) -> None: ...
    def ask(self, question: Message, *, secret: bool = False) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a login works with. `chance` makes a string that nobody can guess."""

    account: Account
    net: Net
    read: ReadSecret
    root: Path
    talk: Talk
    chance: Callable[[], str]


def mastodon(desk: Desk) -> dict[str, str]:
    """https://docs.joinmastodon.org/client/authorized/"""
    api = _api(desk)
    app = {"client_name": "bot", "redirect_uris": OUT_OF_BAND, "scopes": MASTODON_SCOPES}
    made = _json(api, api.look("POST", "/api/v1/apps", form=app), "client_id", "client_secret")
    asked = {
        "response_type": "code",
        "client_id": made["client_id"],
        "redirect_uri": OUT_OF_BAND,
        "scope": MASTODON_SCOPES,
    }
    desk.talk.show(
        msg("Open this address, log in as the account, and allow bot to post:"),
        f"{api.base}/oauth/authorize?{urlencode(asked)}",
    )
    code = _code(desk.talk.ask(msg("The code that is shown there")), None)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": made["client_id"],
        "client_secret": made["client_secret"],
        "redirect_uri": OUT_OF_BAND,
        "scope": MASTODON_SCOPES,
    }
    answer = api.look("POST", "/oauth/token", form=form)
    return {"token": _json(api, answer, "access_token")["access_token"]}


def misskey(desk: Desk) -> dict[str, str]:
    """https://misskey-hub.net/docs/for-developers/api/token/miauth/"""
    api, session = _api(desk), _uuid(desk.chance())
    asked = {"name": "bot", "permission": MISSKEY_PERMISSIONS}
    desk.talk.show(
        msg("Open this address, log in as the account, and allow bot to post:"),
        f"{api.base}/miauth/{session}?{urlencode(asked)}",
    )
    desk.talk.ask(msg("Press Enter when that is done"))
    answer = api.look("POST", f"/api/miauth/{session}/check", json={})
    return {"token": _json(api, answer, "token")["token"]}


def bluesky(desk: Desk) -> dict[str, str]:
    if not desk.account.handle:
        raise _unusable(msg("No handle is set."))
    desk.talk.show(
        msg("Make an app password for {handle} here:", handle=desk.account.handle),
        "https://bsky.app/settings/app-passwords",
    )
    return {"app_password": _pasted(desk, msg("The app password"))}


def x_(desk: Desk) -> dict[str, str]:
    return _x_by_code(desk) if desk.account.client_id else _x_by_keys(desk)


WAYS: Mapping[str, Callable[[Desk], dict[str, str]]] = {
    "mastodon": mastodon,
    "misskey": misskey,
    "bluesky": bluesky,
    "x": x_,
}


def _x_by_keys(desk: Desk) -> dict[str, str]:
    """OAuth 1.0a: https://docs.x.com/fundamentals/authentication/oauth-1-0a/overview"""
    desk.talk.show(
        msg("Make an app with the rights to read and write, and its keys and tokens, here:"),
        "https://console.x.com/",
    )
    asked = {
        "consumer_key": msg("The API key (consumer key)"),
        "consumer_secret": msg("The API key secret"),
        "access_token": msg("The access token"),
        "access_token_secret": msg("The access token secret"),
    }
    return {name: _pasted(desk, question) for name, question in asked.items()}


def _x_by_code(desk: Desk) -> dict[str, str]:
    """OAuth 2.0 with PKCE (RFC 7636). The tokens are kept in the session, too: they rotate."""
    verifier, state = desk.chance(), desk.chance()
    digest = hashlib.sha256(verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": desk.account.client_id,
        "redirect_uri": X_REDIRECT,
        "scope": x_session.SCOPES,
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    desk.talk.show(
        msg(
            "Open this address, log in as the account, and allow bot to post (the app needs {redirect} among its callback addresses):",
            redirect=X_REDIRECT,
        ),
        f"{X_AUTHORIZE}?{urlencode(asked)}",
    )
    question = msg("The address that the browser ends at, though it shows no page")
    code = _code(desk.talk.ask(question), state)
    sessions = x_session.XSessions(
        desk.account, desk.read, desk.net, session_file(desk.root, desk.account), x.SERVER
    )
    return {"refresh_token": sessions.begin(code, verifier, X_REDIRECT)}


def _api(desk: Desk) -> Api:
    wrong = bad_address(desk.account.instance)
    if wrong is not None:
        raise _unusable(wrong)
    return Api(net=desk.net, base=desk.account.instance.rstrip("/"), login=dict)


def _json(api: Api, answer: Answer, *names: str) -> dict[str, str]:
    """The answer's fields, all of them texts; else the server's words."""
    body: Any = answer.json()
    if answer.status == 200 and isinstance(body, dict):
        found = {name: body[name] for name in names if isinstance(body.get(name), str)}
        if len(found) == len(names):
            return found
    raise Rejected(
        msg("{where} gives no login: {said}", where=api.host, said=api.said(answer)),
        code="no-login",
    )


def _pasted(desk: Desk, question: Message) -> str:
    value = desk.talk.ask(question, secret=True).strip()
    if not value or not value.isascii() or not value.isprintable():
        raise _unusable(msg("What was pasted cannot be one: it is empty or has other signs in it."))
    return value


def _code(pasted: str, state: str | None) -> str:
    """The code itself, or out of the whole address; that one must be of this login."""
    pasted = pasted.strip()
    if "://" in pasted or "code=" in pasted:
        fields = parse_qs(urlsplit(pasted).query if "://" in pasted else pasted)
        if state is not None and fields.get("state") != [state]:
            raise _unusable(msg("That address belongs to another login: begin again."))
        pasted = fields.get("code", [""])[0]
    if not pasted or not pasted.isascii() or not pasted.isprintable():
        raise _unusable(msg("What was pasted cannot be one: it is empty or has other signs in it."))
    return pasted


def _unusable(message: Message) -> UsageError:
    return UsageError(message, code="login")


def _uuid(chance: str) -> str:
    import uuid

    digest = hashlib.sha256(chance.encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))
