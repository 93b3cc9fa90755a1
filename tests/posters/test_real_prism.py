"""The X poster and its fake before a judge that knows X's OpenAPI document: Prism."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.errors import Rejected
from bot.model import Absent, Found
from bot.posters import x
from tests.fakes import prism
from tests.posters.contract import draft
from tests.posters.test_bluesky import picture
from tests.posters.test_x_session import XRig

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(
        not prism.installed(),
        reason="Prism (python -m tests.fakes.prism) or X's OpenAPI document is not there",
    ),
]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[XRig]:
    """Prism knows OAuth 2.0 alone, and the document nothing of its tokens: those go past it."""
    rig = XRig(tmp_path)
    with prism.before(rig.server.base) as base:
        poster = x.XPoster(rig.account, rig.read_secret, rig.net, tmp_path, base)
        poster._sessions = rig.another()._sessions
        rig.poster = poster
        yield rig
    rig.server.stop()


def test_all_that_the_poster_asks_is_in_the_document(rig: XRig, tmp_path: Path) -> None:
    assert isinstance(rig.poster, x.XPoster)
    prepared = rig.prepare(image=picture(tmp_path))
    assert prepared.payload["media_ids"]
    assert prepared.notes == ()
    first = rig.commit(prepared)
    reply = rig.poster.prepare(draft("二つ目", link=None), 0, (first,), True)
    second = rig.commit(reply, "key-2")
    assert [post["id"] for post in rig.visible()] == [first.id, second.id]
    assert isinstance(rig.poster.find(prepared.payload, "key-1", rig.earlier, ()), Found)
    assert len(rig.poster.recent(5)) == 2
    assert rig.poster.identity().id == "42"
    retract = rig.retract(second)
    assert rig.poster.find(retract.payload, "key-3", rig.earlier, ()) == Absent()
    rig.commit(retract, "key-3")
    assert isinstance(rig.poster.find(retract.payload, "key-3", rig.earlier, ()), Found)
    assert len(rig.visible()) == 1


def test_it_judges(rig: XRig) -> None:
    """Five pictures are one too many for the document; the fake itself would not know."""
    payload = {"text": "多すぎる", "media_ids": [str(n) for n in range(1, 6)]}
    with pytest.raises(Rejected):
        rig.poster.commit(payload, "key-1", lambda: None)
    assert rig.visible_calls() == []
