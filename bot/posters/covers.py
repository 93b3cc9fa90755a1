"""Pictures of the web: a cover that the post names by its https:// address.

The address is a stranger's word: only public addresses are called (or hosts that the configuration
allows), each redirect is looked at again, and the answer has one deadline and one size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from bot.errors import MediaRefused, MediaUnavailable, OutcomeUnknown, Rejected, Transient
from bot.i18n import msg

if TYPE_CHECKING:
    from bot.net import Answer, Net

REDIRECTS = 3
MOVED = (301, 302, 303, 307, 308)
TRY_AGAIN = (408, 425, 429)


def fetcher(net: Net) -> Callable[[str], bytes]:
    """Gets the bytes behind an address. Raises MediaRefused, or MediaUnavailable: not now."""

    def fetch(url: str) -> bytes:
        place = url
        for _ in range(REDIRECTS + 1):
            answer = _get(net, place, url)
            if answer.status not in MOVED:
                return _bytes(answer, url)
            place = _next(place, answer.headers.get("location", ""))
        raise _refused(url)

    return fetch


def _get(net: Net, place: str, url: str) -> Answer:
    if not _secure(place):
        raise _refused(url)
    try:
        return net.request("GET", place, headers={"Accept": "image/*"}, public=True)
    except (OutcomeUnknown, Transient) as error:
        raise MediaUnavailable(error.message) from None
    except Rejected:
        raise _refused(url) from None


def _next(place: str, location: str) -> str:
    try:
        return urljoin(place, location)
    except ValueError:
        return ""


def _secure(place: str) -> bool:
    try:
        parts = urlsplit(place)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc


def _bytes(answer: Answer, url: str) -> bytes:
    if answer.status >= 500 or answer.status in TRY_AGAIN:
        raise MediaUnavailable(
            msg(
                "The image {image} cannot be fetched: HTTP {status}.",
                image=url,
                status=answer.status,
            )
        )
    if answer.status != 200 or not answer.body:
        raise _refused(url)
    return answer.body


def _refused(url: str) -> MediaRefused:
    return MediaRefused(msg("The image {image} cannot be fetched: sent without it.", image=url))
