"""Ids in the HTML of a post, as Hugo gives them to the page: a link to a heading or a footnote leads
to its place there. Pure. (https://gohugo.io/configuration/markup/#parserautoheadingidtype)
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache
from html import escape, unescape

# comrak's own anchors tell the headings of the Markdown from those of raw HTML
_HEADING = re.compile(
    r'<h([1-6]) id="[^"]*">((?:(?!</h\1>).)*?)<a href="#[^"]*" aria-label="[^"]*"'
    r' data-heading-content="[^"]*" class="anchor"></a></h\1>',
    re.DOTALL,
)
_ATTRIBUTE = r"(?:#[^\s{}\"'<>]+|\.[\w-]+|[\w-]+=(?:&quot;[^{}]*?&quot;|[^\s{}&]+))"
_ATTRIBUTES = re.compile(rf"[ \t]+\{{[ \t]*({_ATTRIBUTE}(?:[ \t]+{_ATTRIBUTE})*)[ \t]*\}}\s*$")
_CODE = re.compile(r"(<code>.*?</code>)", re.DOTALL)
_NOTE = re.compile(r'<sup class="footnote-ref">.*?</sup>', re.DOTALL)
_ALT = re.compile(r'<img [^>]*?alt="([^"]*)"[^>]*>')
_TAG = re.compile(r"<[^>]*>")
_DASHES = re.compile(r"---?")
_WWW = re.compile(r'<a href="http://(www\.[^"]*)">(?=\1</a>)')
"""A bare www.example.org: Hugo makes it https."""
_REF = re.compile(r'<a href="#fn-([^"]+)" id="fnref-[^"]*" data-footnote-ref>(\d+)</a>')
_ITEM = re.compile(r'<li id="fn-([^"]+)">')
_BACK = re.compile(
    r'<a href="#fnref-[^"]*" class="footnote-backref" data-footnote-backref'
    r' data-footnote-backref-idx="(\d+)(?:-(\d+))?"'
)


def like_hugo(html: str, words: str = "") -> str:
    """comrak's HTML with Hugo's ids; what `words` (a pattern) finds in a heading is no part of one."""
    if 'class="anchor"' in html:
        taken: set[str] = set()
        html = _HEADING.sub(lambda found: _heading(found, taken, words), html)
    if '="http://www.' in html:
        html = _WWW.sub(r'<a href="https://\1">', html)
    return _footnotes(html) if "data-footnote-ref" in html else html


def _heading(found: re.Match[str], taken: set[str], words: str) -> str:
    level, inner = found[1], found[2]
    given = None
    if attributes := _ATTRIBUTES.search(inner):
        inner = inner[: attributes.start()]
        given = next((a[1:] for a in attributes[1].split() if a.startswith("#")), None)
    name = unescape(given) if given else _unique(heading_id(_text(inner, words)), taken)
    taken.add(name)
    return f'<h{level} id="{escape(name)}">{inner}</h{level}>'


@lru_cache(maxsize=1024)
def heading_id(text: str) -> str:
    """Letters, digits and `_` in lower case, blanks as hyphens, and nothing else."""
    kept = ("-" if c in " -" else c.lower()[0] for c in text if c in " -_" or _is_word(c))
    return "".join(kept) or "heading"


def _is_word(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] == "L" or category == "Nd"


def _text(inner: str, words: str) -> str:
    """The last line of a heading as words; Hugo has made its dashes by then."""
    inner = _ALT.sub(r"\1", _NOTE.sub("", inner))
    parts = (
        part if part.startswith("<code>") else _DASHES.sub("", part) for part in _CODE.split(inner)
    )
    text = unescape(_TAG.sub("", "".join(parts)))
    text = re.sub(words, "", text) if words else text
    return text.strip().rpartition("\n")[2].strip()


def _unique(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    number = 1
    while f"{name}-{number}" in taken:
        number += 1
    return f"{name}-{number}"


def _footnotes(html: str) -> str:
    numbers: dict[str, str] = {}
    times: Counter[str] = Counter()

    def ref(found: re.Match[str]) -> str:
        number = numbers.setdefault(found[1], found[2])
        times[number] += 1
        return f'<a href="#fn:{number}" id="{_ref_id(number, times[number])}">{number}</a>'

    html = _REF.sub(ref, html)
    html = _ITEM.sub(
        lambda found: f'<li id="fn:{numbers[found[1]]}">' if found[1] in numbers else found[0], html
    )
    return _BACK.sub(lambda found: f'<a href="#{_ref_id(found[1], int(found[2] or 1))}"', html)


def _ref_id(number: str, time: int) -> str:
    """`fnref:2` for the first mention of a note, then `fnref1:2`, `fnref2:2`."""
    return f"fnref{time - 1 if time > 1 else ''}:{number}"
