"""A feed as a page: a stylesheet by which a browser shows titles, lines and covers, and says in the
site's language what a feed is. CSS, because browsers give up XSLT; it cannot make links.

Items are numbered in it because CSS cannot take a picture's address from the feed.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from bot.feeds.mark import CSS_MARK
from bot.feeds.plan import Plan
from bot.feeds.text import address, line, whole
from bot.i18n import msg
from bot.model import Entry

_RULES = """\
rss, feed {
  display: block; box-sizing: border-box; max-width: 44rem; margin: 0 auto; padding: 1.5rem 1rem;
  font: 1rem/1.7 system-ui, "Hiragino Sans", "Noto Sans CJK JP", "Noto Sans JP", sans-serif;
  color: #222; background: #fff; color-scheme: light dark;
}
channel, item, entry, title, description, subtitle, summary, pubDate, published { display: block }
channel > *, feed > *, item > *, entry > * { display: none }
channel > title, feed > title { display: block; font-size: 1.6rem; font-weight: 700; line-height: 1.3 }
channel > description, feed > subtitle { display: block; margin-bottom: 1rem }
channel > item, feed > entry {
  display: block; padding: 1.2rem 0; border-top: 1px solid #8886; overflow: hidden;
}
item > title, entry > title { display: block; font-size: 1.15rem; font-weight: 700 }
item > description, entry > summary { display: block; white-space: pre-line }
item > pubDate, entry > published { display: block; font-size: 0 }
item > pubDate::after, entry > published::after { font-size: .85rem; opacity: .75 }
item > link { display: block; font-size: .85rem; opacity: .75; overflow-wrap: anywhere }
entry > published::after { white-space: pre-line; overflow-wrap: anywhere }
channel > description::after, feed > subtitle::after {
  display: block; margin-top: 1rem; padding: .8rem 1rem; border: 1px solid #8886; border-radius: .5rem;
  font-size: .9rem; white-space: pre-line; overflow-wrap: anywhere;
}
@media (prefers-color-scheme: dark) { rss, feed { color: #ddd; background: #111 } }
"""


def render_style(plan: Plan, timezone: str) -> bytes:
    words = msg(
        "This is a web feed. To be told of new posts, copy the address of this page into a feed"
        " reader.\nThe site: {url}",
        url=plan.head.link,
    ).in_language(plan.head.language)
    told = f"channel > description::after, feed > subtitle::after {{ content: {_quoted(words)} }}\n"
    zone = ZoneInfo(timezone)
    own = "".join(
        _cover(number, entry) + _date(number, entry, zone)
        for number, entry in enumerate(plan.entries, 1)
    )
    return (CSS_MARK + _RULES + told + own).encode()


def _cover(number: int, entry: Entry) -> str:
    cover = entry.post.cover
    url = address((cover.public or cover.url or "") if cover else "", entry.post.url)
    if cover is None or url is None or url == entry.post.url:
        return ""
    return (
        f"{_each(number, 'title::before', 'title::before')} {{ content: {_quoted('')} /"
        f" {_quoted(line(cover.alt))}; display: block; height: 12rem; margin-bottom: .6rem;"
        f" border-radius: .5rem; background: #8882 url({_quoted(url)}) center / cover }}\n"
    )


def _date(number: int, entry: Entry, zone: ZoneInfo) -> str:
    """The day as the site's readers count it; what stands in the feed is for machines."""
    moment = whole(entry.published)
    try:
        day = moment.astimezone(zone).date().isoformat()
    except OverflowError:  # at the very ends of the calendar
        day = moment.date().isoformat()
    page = address(entry.post.url) or ""  # RSS has it as text; CSS cannot take it from Atom
    return (
        f"item:nth-of-type({number}) > pubDate::after {{ content: {_quoted(day)} }}\n"
        f"entry:nth-of-type({number}) > published::after"
        f" {{ content: {_quoted(f'{page}{chr(10)}{day}')} }}\n"
    )


def _each(number: int, rss: str, atom: str) -> str:
    return f"item:nth-of-type({number}) > {rss}, entry:nth-of-type({number}) > {atom}"


def _quoted(text: str) -> str:
    """A string of CSS (https://www.w3.org/TR/css-syntax-3/#consume-string-token)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\a ")
    return f'"{escaped}"'
