"""Where a text becomes a link, by X's rule and by Mastodon's, and how our own link is written.

X's rule is twitter-text's (https://github.com/twitter/twitter-text), bare domains included;
Mastodon's links need a scheme (its config/initializers/twitter_regex.rb).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

from bot.tlds import pattern as tld_pattern

Span = tuple[int, int]

_DIRECTION = "\u202a-\u202e\u061c\u200e\u200f\u2066-\u2069"
_NEVER = "\ufffe\ufeff\uffff"
_SPACE = "\t-\r \x85\xa0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_LABEL = rf"[^!'#%&()*+,\\\-./:;<=>?@\[\]^_{{|}}~${_SPACE}{_NEVER}{_DIRECTION}]"
_LATIN = (
    "\xc0-\xd6\xd8-\xf6\xf8-\u024f\u0253\u0254\u0256\u0257\u0259\u025b\u0263\u0268\u026f"
    "\u0272\u0289\u028b\u02bb\u0300-\u036f\u1e00-\u1eff"
    # what JavaScript takes for the other case of one of these
    "\u0260\u0269\u0275\u0280\u0283\u0288\u028a\u028c\u0292\u0399\u03b9\u1fbe\u2c65\u2c66"
    "\u2c7e\u2c7f\ua7dc"
)
_CYRILLIC = "\u0400-\u04ff\u1c80-\u1c87"
_QUERY = r"[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]"
_LONGEST_LABEL = 63  # RFC 1035, in punycode
_LONGEST_URL = 4096
_LONGEST_TCO = 40


def find_links(text: str, bare: bool = True) -> list[Span]:
    """What X makes a link of, as spans in order; `bare`: domains without a scheme too."""
    if ("." if bare else "://") not in text:
        return []
    if not _ASTRAL.search(text):
        return [span for match in _x_link().finditer(text) for span in _x_spans(match, bare)]
    place = [index for index, char in enumerate(text) for _ in range(1 + (char > "\uffff"))]
    place.append(len(text))
    return [(place[start], place[end]) for start, end in find_links(utf16_units(text), bare)]


def utf16_units(text: str) -> str:
    """The text as X's counter sees it: a character beyond U+FFFF is two."""
    return _ASTRAL.sub(lambda match: _pair(ord(match[0]) - 0x10000), text)


def find_domains(text: str) -> list[Span]:
    """What could become a link without a scheme, whatever surrounds it; not in an e-mail address."""
    if "." not in text:
        return []
    return [
        match.span()
        for match in _ascii_domain().finditer(text)
        if text[match.start() - 1 : match.start()] not in ("@", "＠")
    ]


def find_scheme_links(text: str) -> list[Span]:
    """What Mastodon makes a link of."""
    if "://" not in text:
        return []
    return [match.span(1) for match in _mastodon_link().finditer(text) if match[2]]


def find_addresses(text: str) -> list[Span]:
    """Whole addresses as a reader takes them: Japanese hosts and paths too, brackets that belong to
    them, without the marks that end a sentence."""
    if "://" not in text:
        return []
    spans = ((m.start(), m.start() + _address_length(m[0])) for m in _ADDRESS.finditer(text))
    return [(start, end) for start, end in spans if text[start:end].rpartition("//")[2]]


def ascii_addresses(text: str) -> str:
    """Addresses that a network would break off at their first Japanese letter, in ASCII."""
    for start, end in reversed(find_addresses(text)):
        if not text[start:end].isascii():
            text = text[:start] + canonical(text[start:end]) + text[end:]
    return text


def canonical(url: str, utm: Mapping[str, str] | None = None) -> str:
    """The address in ASCII, written so that every network takes it whole: the host in punycode,
    the rest percent-encoded, brackets and a last full stop too. What was encoded stays. `utm`
    (source, medium, campaign, …) is added to the query."""
    parts = urlsplit(url.strip())
    path = quote(parts.path, safe="/:;=@!$&'*+,~%-._|")
    query = quote(parts.query, safe="/:;=@!$&'*+,~%-._|?")
    added = "&".join(
        f"{_utm_name(name)}={quote(value, safe='')}" for name, value in (utm or {}).items()
    )
    query = "&".join(filter(None, (query, added)))
    fragment = quote(parts.fragment, safe="/:;=@!$&'*+,~%-._|?")
    whole = urlunsplit(SplitResult(parts.scheme.lower(), _ascii_host(parts), path, query, fragment))
    return _BAD_END.sub(lambda match: "".join(f"%{ord(char):02X}" for char in match[0]), whole)


_LETTER = r"[^\W\x00-\x7f]"
_ADDRESS = re.compile(
    rf"(?<![A-Za-z0-9/])https?://"
    rf"(?:(?:(?:[A-Za-z0-9_\-]+|{_LETTER}[\w\-]*)\.)+[A-Za-z][A-Za-z0-9\-]*(?::[0-9]+)?(?=[/?#]|[^!-~]|$)"
    rf"|[!#$%&'*+,\-.0-9:;=?@A-Z\[\]_a-z~|()]+)"
    rf"(?:[/?#](?:[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]^_a-z~|]"
    # a word of the sentence goes on without a space: what begins like one is not the address
    rf"|(?<![A-Za-z0-9!-,:;\])])(?!(?<=[!-~])[のはがをにでとへもや]){_LETTER}|(?<=[A-Za-z0-9])[ァ-ヺ])*)?",
    re.I,
)
_CLOSERS = {")": "(", "]": "["}


def _address_length(address: str) -> int:
    """Without the marks and the brackets at its end that belong to the sentence."""
    while address:
        last = address[-1]
        opener = _CLOSERS.get(last)
        if last not in ".,;:!?'|" and (
            opener is None or address.count(opener) >= address.count(last)
        ):
            break
        address = address[:-1]
    return len(address)


def _utm_name(name: str) -> str:
    """https://support.google.com/analytics/answer/10917952"""
    return quote(name if name.startswith("utm_") else f"utm_{name}", safe="")


_BAD_END = re.compile(r"[!*';:=,.$~@&|?]+\Z")


def _ascii_host(parts: SplitResult) -> str:
    host = parts.netloc.rpartition("@")[2]
    try:
        return host.encode("idna").decode().lower() if not host.isascii() else host.lower()
    except UnicodeError:
        return host


def whole_characters(units: str) -> str:
    """`utf16_units` undone; a lone half becomes U+FFFD."""
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


def _pair(code: int) -> str:
    return chr(0xD800 + (code >> 10)) + chr(0xDC00 + (code & 0x3FF))


@cache
def _tld() -> str:
    return rf"(?:{tld_pattern()}(?=[^0-9a-z@+\-]|\Z)|xn--[\-0-9a-z]+)"


def _url(scheme: str, path: str, end: str, query: str, query_end: str) -> str:
    """Groups: the URL, its scheme, domain, path. `path` and `end` are classes of characters."""
    label = rf"{_LABEL}++"
    # 126: a host name has 127 labels at most (RFC 1035), and dots without end cost no time
    inner = rf"(?:{path}+|{path}*\({path}+\){path}*)"
    balanced = rf"\({inner}\)"
    one_path = rf"(?:{path}*(?:{balanced}{path}*)*(?:{end}|{balanced})|@{path}+/)"
    return (
        rf"(?:[^a-z0-9@＠$#＃{_NEVER}]|[{_DIRECTION}]|^)"
        rf"(({scheme}://)?"
        rf"((?:{label}(?:[_\-]++{label})*+\.){{0,126}}{label}(?:-++{label})*+\.{_tld()})"
        rf"(?::[0-9]+)?(/{one_path}*)?(?:\?{query}*{query_end})?)"
    )


@cache
def _x_link() -> re.Pattern[str]:
    path = rf"[a-z{_CYRILLIC}0-9!*';:=+,.$/%#\[\]\-\u2013_~@|&{_LATIN}]"
    end = rf"[+\-a-z{_CYRILLIC}0-9=_#/{_LATIN}]"
    return re.compile(_url("https?", path, end, _QUERY, r"[a-z0-9\-_&=#/]"), re.I | re.A)


@cache
def _mastodon_link() -> re.Pattern[str]:
    path = rf"[^{_SPACE}<>()?]"
    end = rf"[^{_SPACE}()?!*\"'「」<>;:=,.$%\[\]~&|@]"
    query = r"[a-z0-9!?*'();:&=+$/%#\[\]\-_.,~|@^\xa0-\uffef\U00010000-\U0010fffd]"
    query_end = r"[a-z0-9_&=#/\-\xa0-\uffef\U00010000-\U0010fffd]"
    return re.compile(_url("https?", path, end, query, query_end), re.I | re.A)


@cache
def _ascii_domain() -> re.Pattern[str]:
    return re.compile(rf"(?:[\-a-z0-9{_LATIN}]+\.)+{_tld()}", re.I | re.A)


@cache
def _tco() -> re.Pattern[str]:
    return re.compile(rf"https?://t\.co/([a-z0-9]+)(?:\?{_QUERY}*[a-z0-9\-_&=#/])?", re.I | re.A)


def _x_spans(match: re.Match[str], bare: bool) -> Iterator[Span]:
    url, scheme, domain, path = match.groups()
    start = match.start(1)
    if not _valid(url, domain):
        return
    if scheme is None:
        if bare and match[0][: start - match.start()] not in ("-", "_", ".", "/"):
            yield from _bare_spans(url, domain, path, start)
        return
    short = _tco().match(url)
    if short is None:
        yield match.span(1)
    elif len(short[1]) <= _LONGEST_TCO:
        yield start, start + short.end()


def _bare_spans(url: str, domain: str, path: str | None, start: int) -> Iterator[Span]:
    """Without a scheme only the ASCII domains are links; the last one has the path."""
    found = [match.span() for match in _ascii_domain().finditer(domain)]
    for index, (left, right) in enumerate(found):
        rest = len(url) - len(domain) if path and index == len(found) - 1 else 0
        yield start + left, start + right + rest


def _valid(url: str, domain: str) -> bool:
    if len(url) > _LONGEST_URL:
        return False
    if domain.isascii():
        return all(len(label) <= _LONGEST_LABEL for label in domain.split("."))
    if domain.startswith("xn--") and not _ascii_domain().search(domain):
        return False
    return all(_label_length(label) <= _LONGEST_LABEL for label in domain.split("."))


def _label_length(label: str) -> int:
    """In punycode; a full stop of another width parts labels there (RFC 3490, 3.1)."""
    pieces = re.split("[。．｡]", whole_characters(label))
    return sum(map(_punycode_length, pieces)) + len(pieces) - 1


def _punycode_length(label: str) -> int:
    return len(label) if label.isascii() else len("xn--") + len(label.encode("punycode"))
