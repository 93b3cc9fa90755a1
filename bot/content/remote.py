"""Pictures elsewhere: which addresses are refused by what is written there. Names are not looked up
here; where they lead is seen when the picture is fetched (`bot.net`). Pure.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

from bot.i18n import Message, msg

_LOCAL = (".localhost", ".local", ".internal", ".home.arpa", ".lan")
"""https://www.rfc-editor.org/rfc/rfc6761, rfc6762, rfc8375 and usual names of home networks"""


def refusal(url: str, inside: Collection[str]) -> tuple[Message, Message] | None:
    """Why a picture is not fetched from there, and what to do. `inside`: hosts of one's own network
    that may be asked."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".").lower()
        if parts.port == 0:
            raise ValueError
    except ValueError:
        return msg("this is no address"), msg("Correct it in the front matter.")
    if parts.scheme != "https":
        return (
            msg("http:// is refused, only https:// is fetched"),
            msg("Write https://, or put the picture below static/."),
        )
    if host not in inside and is_private(host):
        return (
            msg("its address is a private one"),
            msg("Put the picture below static/, or add the host to `cover_hosts` under [content]."),
        )
    return None


def is_private(host: str) -> bool:
    """A name or number of this machine or of one's own network, in any of its spellings."""
    if host == "localhost" or host.endswith(_LOCAL):
        return True
    try:
        address = ipaddress.ip_address(host.split("%", maxsplit=1)[0])
    except ValueError:
        try:  # 127.1, 0x7f000001 and 2130706433 are 127.0.0.1 for the system, too
            address = ipaddress.ip_address(socket.inet_aton(host))
        except (OSError, ValueError):
            return False
    mapped = getattr(address, "ipv4_mapped", None)
    return not (mapped or address).is_global
