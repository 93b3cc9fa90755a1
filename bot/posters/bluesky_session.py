"""Who is logged in at Bluesky: one session an account, kept in a file that only its owner reads.

A login is expensive (300 a day, https://docs.bsky.app/docs/advanced-guides/rate-limits), so the
session is stored and refreshed, by one process at a time.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.errors import MediaRefused, OutcomeUnknown, Transient, Unauthorized
from bot.i18n import msg
from bot.posters.base import Api, Row, bad_address
from bot.posters.kept import Kept, StaleToken
from bot.settings import Account

if TYPE_CHECKING:
    from bot.net import Answer, Net

ENTRYWAY = "https://bsky.social"
DIRECTORY = "https://plc.directory"
EARLY = timedelta(minutes=5)  # an access token lives two hours


# https://docs.bsky.app/docs/api/com-atproto-server-create-session; an expired token is a 400
ROWS = (
    Row(400, "expiredtoken", StaleToken),
    Row(400, "invalidtoken", StaleToken),
    Row(400, "accounttakedown", Unauthorized),
    Row(400, "accountdeactivated", Unauthorized),
    Row(403, "", Unauthorized),
    Row(400, '"invalidswap"', OutcomeUnknown),  # something is there already: look
    Row(400, "blobnotfound", MediaRefused),
    Row(400, "could not find blob", MediaRefused),
    Row(400, "invalidmimetype", MediaRefused),
    Row(400, "invalidsize", MediaRefused),
    Row(400, "blob too big", MediaRefused),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """`account` is the handle that it was made for, `pds` the server that holds the posts."""

    account: str
    did: str
    handle: str
    pds: str
    access: str = field(repr=False)
    refresh: str = field(repr=False)

    def usable(self, now: datetime) -> bool:
        ends = token_end(self.access)
        return ends is not None and now + EARLY < ends


class Sessions:
    """The session of one account, as stored, refreshed, or new."""

    def __init__(self, account: Account, net: Net, file: Path, password: Callable[[], str]) -> None:
        self._account, self._net, self._kept = account, net, Kept(file)
        self._password = password
        self._found = account.pds.rstrip("/") == ENTRYWAY

    def current(self) -> Session:
        """One whose access token is good for the next call. Raises NotSent. A repeated commit has
        no prepare before it, so the visible call asks here too."""
        kept = self._read()
        if kept is not None and kept.usable(self._net.clock.now()):
            return kept
        with self._kept.locked():
            return self._renewed()

    def reject(self, access: str) -> None:
        """The server did not take this access token: the next call refreshes."""
        with self._kept.locked():
            kept = self._read()
            if kept is not None and kept.access == access:
                self._kept.write(asdict(kept) | {"access": ""})

    def api(self, server: str, token: str, *hidden: str) -> Api:
        """Calls to the account's server; one that was found and not configured must be public."""
        return _api(self._net, server, token, *hidden, public=self._found)

    def _renewed(self) -> Session:
        kept = self._read()
        if kept is not None and kept.usable(self._net.clock.now()):
            return kept  # another process was quicker
        session = (kept and self._refreshed(kept)) or self._login()
        self._kept.write(asdict(session))
        return session

    def _refreshed(self, kept: Session) -> Session | None:
        """None: the refresh token is not good any more. It rotates, so the answer is stored at
        once."""
        api = self.api(kept.pds, kept.refresh)
        try:
            answer = api.look("POST", "/xrpc/com.atproto.server.refreshSession")
        except (Unauthorized, StaleToken):
            return None
        return self._session(answer, kept.pds)

    def _login(self) -> Session:
        server = self._account.pds.rstrip("/")
        if self._found:
            server = find_pds(self._net, self._account.handle)
        password = self._password()
        api = self.api(server, "", password)
        answer = api.look(
            "POST",
            "/xrpc/com.atproto.server.createSession",
            json={"identifier": self._account.handle, "password": password},
        )
        session = self._session(answer, server)
        if session is None:
            raise Unauthorized(
                msg("{where} refuses the login: {said}", where=api.host, said=api.said(answer)),
                hint=msg("Make a new app password in Bluesky's settings, and set it."),
            )
        return session

    def _session(self, answer: Answer, server: str) -> Session | None:
        body = answer.json()
        names = ("did", "handle", "accessJwt", "refreshJwt")
        if not isinstance(body, dict) or not all(isinstance(body.get(n), str) for n in names):
            return None
        return Session(
            account=self._account.handle,
            did=body["did"],
            handle=body["handle"],
            pds=server,
            access=body["accessJwt"],
            refresh=body["refreshJwt"],
        )

    def _read(self) -> Session | None:
        try:
            session = Session(**self._kept.read())
        except TypeError:
            return None
        return session if session.account == self._account.handle else None


def token_end(token: str) -> datetime | None:
    """When a JWT ends, by its own word; None where it has none."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (IndexError, ValueError, KeyError, TypeError, OverflowError, OSError):
        return None


def find_pds(net: Net, handle: str) -> str:
    """Handle → DID → the server that the account lives on. https://atproto.com/specs/handle"""
    answer = _api(net, ENTRYWAY).look(
        "GET", "/xrpc/com.atproto.identity.resolveHandle", params={"handle": handle}
    )
    body = answer.json()
    did = body.get("did") if isinstance(body, dict) else None
    if answer.status != 200 or not isinstance(did, str):
        raise Unauthorized(msg("No Bluesky account has the handle {handle}.", handle=handle))
    place = _did_document(did)
    document = _public_json(net, place)
    for service in document.get("service", ()) if isinstance(document, dict) else ():
        if isinstance(service, dict) and str(service.get("id", "")).endswith("#atproto_pds"):
            return _secure(service.get("serviceEndpoint"))
    raise Transient(msg("{place} does not say where the account lives.", place=place))


def _did_document(did: str) -> str:
    """https://atproto.com/specs/did"""
    if re.fullmatch(r"did:plc:[a-z2-7]{24}", did):
        return f"{DIRECTORY}/{did}"
    if re.fullmatch(r"did:web:[a-z0-9-]+(\.[a-z0-9-]+)+", did):
        return f"https://{did.removeprefix('did:web:')}/.well-known/did.json"
    raise Unauthorized(msg("{did} is an identity of a kind that is not known.", did=did[:100]))


def _public_json(net: Net, url: str) -> Any:
    host, slash, path = url.removeprefix("https://").partition("/")
    return _api(net, f"https://{host}", public=True).look("GET", slash + path).json()


def _secure(endpoint: Any) -> str:
    url = endpoint.rstrip("/") if isinstance(endpoint, str) else ""
    if not url.startswith("https://") or bad_address(url):
        raise Unauthorized(msg("The account's server has no address that begins with https://."))
    return url


def _api(net: Net, base: str, token: str = "", *hidden: str, public: bool = False) -> Api:
    login = {"Authorization": f"Bearer {token}"} if token else {}
    return Api(
        net=net, base=base, login=lambda: login, rows=ROWS, hidden=lambda: hidden, public=public
    )
