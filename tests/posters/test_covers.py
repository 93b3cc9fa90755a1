"""Covers of the web: only from where anybody could fetch them, within one size and time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.errors import MediaRefused, MediaUnavailable, OutcomeUnknown, Rejected, Transient
from bot.i18n import msg
from bot.model import Image
from bot.net import Answer, Net
from bot.posters.covers import fetcher
from bot.posters.images import Limits, fitted
from tests.posters.contract import PICTURE, TestClock

URL = "https://img.example/a.png"


class Wire(Net):
    """Answers from a table, and remembers what was asked and how."""

    def __init__(self, answers: dict[str, Answer | Exception]) -> None:
        super().__init__(10, TestClock())
        self.answers, self.asked = answers, list[str]()

    def request(self, method: str, url: str, **how: object) -> Answer:
        assert (method, how["public"]) == ("GET", True)
        self.asked.append(url)
        answer = self.answers[url]
        if isinstance(answer, Exception):
            raise answer
        return answer


def moved(to: str, status: int = 302) -> Answer:
    return Answer(status, {"location": to}, b"")


def test_a_picture_of_the_web_is_fitted_like_any_other() -> None:
    wire = Wire({URL: Answer(200, {}, PICTURE)})
    made = fitted(Image(alt="", url=URL), Limits(size=10**6, side=100), None, fetcher(wire))
    assert (made.data, made.mime) == (PICTURE, "image/png")


def test_redirects_are_followed_a_few_times() -> None:
    wire = Wire({URL: moved("/b.png"), "https://img.example/b.png": Answer(200, {}, PICTURE)})
    assert fetcher(wire)(URL) == PICTURE
    round_and_round = Wire({URL: moved(URL, 308)})
    with pytest.raises(MediaRefused):
        fetcher(round_and_round)(URL)
    assert len(round_and_round.asked) == 4


@pytest.mark.parametrize(
    "place",
    [
        "http://img.example/a.png",
        "ftp://img.example/a.png",
        "file:///etc/passwd",
        "https://user:pw@img.example/a.png",
        "https:///a.png",
        "https://[",
        "//[",
        "",
        "data:image/png;base64,AAAA",
    ],
)
def test_addresses_that_are_not_called(place: str) -> None:
    wire = Wire({})
    with pytest.raises(MediaRefused):
        fetcher(wire)(place)
    assert wire.asked == []


@pytest.mark.parametrize("place", ["http://img.example/", "https://u@h.example/", "https://["])
def test_redirects_that_are_not_followed(place: str) -> None:
    wire = Wire({URL: moved(place)})
    with pytest.raises(MediaRefused):
        fetcher(wire)(URL)
    assert wire.asked == [URL]


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (Answer(404, {}, b"x"), MediaRefused),
        (Answer(200, {}, b""), MediaRefused),
        (Answer(204, {}, b""), MediaRefused),
        (Answer(429, {}, b""), MediaUnavailable),
        (Answer(503, {}, b""), MediaUnavailable),
        (Transient(msg("away")), MediaUnavailable),
        (OutcomeUnknown(msg("lost")), MediaUnavailable),
        (Rejected(msg("no")), MediaRefused),
    ],
)
def test_what_an_answer_means(answer: Answer | Exception, verdict: type[Exception]) -> None:
    with pytest.raises(verdict):
        fetcher(Wire({URL: answer}))(URL)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.8", "169.254.169.254", "::1", "fd00::1"])
def test_a_name_that_leads_inside_is_not_connected_to(address: str) -> None:
    net = Net(1, TestClock(), resolve=resolves_to(address))
    with pytest.raises(MediaUnavailable, match="not a public one"):
        fetcher(net)(URL)


def test_a_host_that_the_configuration_allows() -> None:
    """It is connected to: here nothing listens."""
    net = Net(1, TestClock(), resolve=resolves_to("127.0.0.1"), inside=("IMG.example",))
    with pytest.raises(MediaUnavailable, match="refuses connections"):
        fetcher(net)(URL.replace("example", "example:9"))


def resolves_to(address: str) -> Callable[[str, int], list[object]]:
    import socket

    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return lambda host, port: [(family, socket.SOCK_STREAM, 0, "", (address, port))]
