"""One look at a page: which answers count, where a redirect may lead, who is never asked."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping

import pytest

from bot.app.fetch import REDIRECTS, NotThere, Wanted, getter, look, onward
from bot.errors import OutcomeUnknown, Rejected, Transient
from bot.i18n import msg
from bot.net import Answer
from tests.fakes.site import FakeSite
from tests.outbox.world import FakeClock

HOME = "https://blog.example/posts/a/"
IMAGE = '<meta property="og:image" content="{}">'


def page(extra: str = "", **headers: str) -> Answer:
    html = f"<title>題</title>{extra}".encode()
    return Answer(200, {"content-type": "text/html", **headers}, html)


def moved(place: str, status: int = 301) -> Answer:
    return Answer(status, {"location": place}, b"")


class Web:
    """A web of a few addresses; what is not there answers 404."""

    def __init__(self, answers: Mapping[str, Answer | Exception]) -> None:
        self.answers, self.asked = answers, list[tuple[str, str]]()

    def get(self, method: str, url: str) -> Answer:
        self.asked.append((method, url))
        found = self.answers.get(f"{method} {url}") or self.answers.get(url)
        if isinstance(found, Exception):
            raise found
        return found or Answer(404, {}, b"")


def missing(answers: Mapping[str, Answer | Exception], card: bool = True) -> str:
    try:
        look(Web(answers).get, Wanted(url=HOME, title="題", site="試験", card=card))
    except NotThere as error:
        return str(error.why)
    return ""


@pytest.mark.parametrize(
    ("place", "location"),
    [
        ("http://blog.example/a", "https://blog.example/a"),
        ("http://blog.example/a", "https://www.blog.example/a/"),
        ("https://blog.example/a", "/a/"),
        ("https://blog.example/a", "a/"),
        ("https://www.blog.example/a", "//blog.example:443/a/"),
        ("https://blog.example/a", "/\u00e6\u0097\u00a5/"),
    ],
)
def test_redirects_that_are_followed(place: str, location: str) -> None:
    there = onward(place, location, "http://blog.example/a")
    assert there is not None
    assert there.startswith("http")
    assert "\u00e6" not in there


@pytest.mark.parametrize(
    ("place", "location"),
    [
        ("https://blog.example/a", "https://evil.example/a"),
        ("https://blog.example/a", "//169.254.169.254/latest/"),
        ("https://blog.example/a", "http://blog.example/a"),
        ("https://blog.example/a", "https://blog.example:8443/a"),
        ("https://blog.example/a", "https://blog.example@evil.example/a"),
        ("https://blog.example/a", "https://me@blog.example/a"),
        ("https://blog.example/a", "https://blog.example.evil.example/a"),
        ("https://blog.example/a", "file:///etc/passwd"),
        ("https://blog.example/a", "javascript:alert(1)"),
        ("https://blog.example/a", "https://["),
        ("https://blog.example/a", "https://blog.example:99999/a"),
    ],
)
def test_redirects_that_are_not(place: str, location: str) -> None:
    assert onward(place, location, "https://blog.example/a") is None


def test_a_site_on_a_port_of_its_own_stays_there() -> None:
    home = "http://127.0.0.1:8080/a"
    assert onward(home, "/a/", home) == "http://127.0.0.1:8080/a/"
    assert onward(home, "http://127.0.0.1/a/", home) is None


def test_the_page_at_the_end_of_the_way_counts() -> None:
    assert (
        missing(
            {
                HOME: moved("https://www.blog.example/posts/a/"),
                "https://www.blog.example/posts/a/": page(),
            }
        )
        == ""
    )
    assert missing({HOME: moved("/"), "https://blog.example/": page()}) == ""
    away = {HOME: moved("/"), "https://blog.example/": Answer(200, {}, b"<title>x</title>")}
    assert missing(away) == "another page is at its address: x"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_way_without_an_end_is_given_up(status: int) -> None:
    web = Web({HOME: moved(HOME, status)})
    with pytest.raises(NotThere):
        look(web.get, Wanted(url=HOME, title="題", site="", card=False))
    assert len(web.asked) == REDIRECTS + 1


@pytest.mark.parametrize(
    ("error", "reached"),
    [
        (Transient(msg("off")), False),
        (OutcomeUnknown(msg("lost")), True),
        (Rejected(msg("bad")), True),
    ],
    ids=lambda value: type(value).__name__,
)
def test_errors_of_the_network_are_told(error: Exception, reached: bool) -> None:
    with pytest.raises(NotThere) as caught:
        look(Web({HOME: error}).get, Wanted(url=HOME, title="題", site="", card=False))
    assert (str(caught.value.why), caught.value.reached) == (str(error), reached)


def test_what_comes_compressed_is_read_and_no_further_than_needed() -> None:
    packed = gzip.compress("<title>題</title>".encode())
    assert missing({HOME: Answer(200, {"content-encoding": "gzip"}, packed)}) == ""
    bomb = gzip.compress(b"<title>" + b" " * 50_000_000)
    assert "no page of a post" in missing({HOME: Answer(200, {"content-encoding": "gzip"}, bomb)})
    broken = Answer(200, {"content-encoding": "gzip"}, packed[:5] + b"x")
    assert "no page of a post" in missing({HOME: broken})


IMG = "https://cdn.example/c.png"
PNG = Answer(200, {"content-type": "image/png"}, b"")


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ({IMG: PNG}, ""),
        ({IMG: Answer(200, {}, b"")}, ""),
        ({IMG: moved("/d.png"), "https://cdn.example/d.png": PNG}, ""),
        ({f"HEAD {IMG}": Answer(405, {}, b""), f"GET {IMG}": PNG}, ""),
        ({f"HEAD {IMG}": Answer(403, {}, b""), f"GET {IMG}": Answer(403, {}, b"")}, "HTTP 403"),
        ({}, "HTTP 404"),
        ({IMG: Answer(200, {"content-type": "text/html"}, b"")}, "it is no picture"),
        ({IMG: Transient(msg("off"))}, "off"),
        ({IMG: moved("//[")}, "HTTP 404"),
        ({IMG: moved(IMG)}, "its address leads on and on"),
    ],
)
def test_the_picture_that_a_network_will_show(
    answers: Mapping[str, Answer | Exception], why: str
) -> None:
    there: dict[str, Answer | Exception] = {HOME: page(IMAGE.format(IMG)), **answers}
    assert missing(there) == (f"its picture {IMG}: {why}" if why else "")
    assert missing(there, card=False) == ""


@pytest.fixture
def real() -> Callable[[str, str], Answer]:
    return getter("http://127.0.0.1/", 15, FakeClock())


def test_only_the_site_s_own_host_may_be_a_private_one(real: Callable[[str, str], Answer]) -> None:
    with FakeSite() as web:
        web.deploy("/a/", title="題")
        look(real, Wanted(url=f"{web.base}/a/", title="題", site="", card=False))
        other = web.base.replace("127.0.0.1", "localhost") + "/a/"
        with pytest.raises(NotThere) as caught:
            look(real, Wanted(url=other, title="題", site="", card=False))
        assert "not a public one" in str(caught.value.why)
        assert (web.looks("/a/"), web.calls[0].headers["accept"][:9]) == (1, "text/html")


def test_a_page_without_end_is_cut_off(
    real: Callable[[str, str], Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.app.fetch.CAP", 1000)
    small = getter("http://127.0.0.1/", 15, FakeClock())
    with FakeSite() as web:
        web.deploy("/a/", title="題" + " " * 2000)
        with pytest.raises(NotThere) as caught:
            look(small, Wanted(url=f"{web.base}/a/", title="題", site="", card=False))
        assert "far too long" in str(caught.value.why)
        assert caught.value.reached
