"""Atom by RFC 4287's own grammar, JSON Feed by a schema written from its specification."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from lxml import etree

from bot.feeds import render_feeds
from bot.model import Entry, Image
from bot.settings import Feed, Site
from tests.feeds.samples import FEED, SHARED, SITE, entry

GRAMMAR = SHARED / "contracts" / "atom" / "atom.rng"
SCHEMA = json.loads((Path(__file__).parent / "jsonfeed.schema.json").read_text())

CASES: dict[str, list[Entry]] = {
    "none": [],
    "two": [entry(1), entry(2)],
    "bare": [entry(cover=None, tags=(), categories=(), language="")],
    "remote": [entry(cover=Image(alt="", url="https://cdn.example/x"))],
    "named": [entry(guid="my post", language="en", title="", html="")],
}
FEEDS = {"full": FEED, "summary": replace(FEED, content="summary")}


@pytest.fixture(scope="module")
def grammar() -> Any:
    if not GRAMMAR.exists():
        pytest.skip("RFC 4287's grammar is not beside this checkout")
    return etree.RelaxNG(etree.parse(GRAMMAR))


@pytest.mark.parametrize("feed", FEEDS.values(), ids=FEEDS)
@pytest.mark.parametrize("entries", CASES.values(), ids=CASES)
@pytest.mark.parametrize("site", [SITE, Site(url="https://例え.jp/ブログ")], ids=["site", "bare"])
def test_atom_follows_the_grammar(
    grammar: Any, entries: list[Entry], feed: Feed, site: Site
) -> None:
    document = etree.fromstring(render_feeds(entries, site, feed)["atom.xml"])
    assert grammar.validate(document), grammar.error_log


def test_the_grammar_refuses_what_is_wrong(grammar: Any) -> None:
    document = etree.fromstring(render_feeds([entry()], SITE, FEED)["atom.xml"])
    document.remove(document[0])
    assert not grammar.validate(document)


@pytest.mark.parametrize("feed", FEEDS.values(), ids=FEEDS)
@pytest.mark.parametrize("entries", CASES.values(), ids=CASES)
@pytest.mark.parametrize("site", [SITE, Site(url="https://例え.jp/ブログ")], ids=["site", "bare"])
def test_json_follows_the_schema(entries: list[Entry], feed: Feed, site: Site) -> None:
    document = json.loads(render_feeds(entries, site, feed)["feed.json"])
    jsonschema.Draft202012Validator(SCHEMA).validate(document)


@pytest.mark.parametrize("missing", ["id", "content_html", "url_scheme", "unknown"])
def test_the_schema_refuses_what_is_wrong(missing: str) -> None:
    document = json.loads(render_feeds([entry()], SITE, FEED)["feed.json"])
    item = document["items"][0]
    if missing == "url_scheme":
        item["url"] = "/posts/factory/"
    elif missing == "unknown":
        item["colour"] = "blue"
    else:
        del item[missing]
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(document)
