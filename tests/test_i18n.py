"""Every sentence of the code is in the catalogue, in Japanese, with its values, and compiled."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo

from bot import i18n
from bot.i18n import Message, choose, msg
from tools import words

CALLS = list(words.calls())
TEMPLATES = sorted({call.template for call in CALLS if call.template})


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    i18n.use("en")


@pytest.fixture(scope="module")
def japanese() -> Catalog:
    return words.read()


def test_sentences_are_literals_so_that_they_can_be_found() -> None:
    assert [call.place for call in CALLS if call.template is None] == []


def test_every_field_of_a_sentence_has_its_value() -> None:
    wrong = [
        call.place
        for call in CALLS
        if call.template and call.fields is not None and words.fields(call.template) - call.fields
    ]
    assert wrong == []


def test_fields_have_names() -> None:
    told = [call for call in CALLS if call.template and call.fields is not None]
    bare = [
        c.place for c in told if any(not f.isidentifier() for f in words.fields(c.template or ""))
    ]
    assert bare == []


def test_nothing_is_untranslated(japanese: Catalog) -> None:
    missing = [t for t in TEMPLATES if t not in japanese or not japanese[t].string]
    assert missing == [], "make locale, and fill in bot.po"


def test_nothing_is_left_over(japanese: Catalog) -> None:
    assert [m.id for m in japanese if m.id and m.id not in TEMPLATES] == [], "make locale"


def test_translations_have_the_same_fields(japanese: Catalog) -> None:
    both = [(str(m.id), str(m.string)) for m in japanese if m.id and m.string]
    assert both
    assert [t for t, said in both if words.fields(t) != words.fields(said)] == []


def test_translations_are_japanese(japanese: Catalog) -> None:
    kept = {"OAuth 1.0a"}
    japanese_sign = re.compile(r"[ぁ-んァ-ヶ一-龠]")
    both = [(str(m.id), str(m.string)) for m in japanese if m.id and m.string]
    assert {t for t, said in both if not japanese_sign.search(said)} <= kept


def test_the_compiled_catalogue_is_current(japanese: Catalog) -> None:
    with words.MO.open("rb") as file:
        compiled = {m.id: m.string for m in read_mo(file) if m.id}
    assert compiled == {m.id: m.string for m in japanese if m.id}, "make locale"


def test_a_sentence_speaks_the_language_of_the_moment() -> None:
    error = msg("`{key}` is too large.", key="limit")
    assert str(error) == "`limit` is too large."
    i18n.use("ja")
    assert str(error) == "`limit` の値が大きすぎます。"
    i18n.use("fr")
    assert str(error) == "`limit` is too large."


def test_a_sentence_within_a_sentence_speaks_the_same_language() -> None:
    i18n.use("ja")
    sentence = msg("not ready: {why}", why=msg("not built yet"))
    assert str(sentence) == "準備ができていません: 未対応"


def test_braces_of_a_value_are_text() -> None:
    assert str(msg("Write {name}", name="{link} {{x}}")) == "Write {link} {{x}}"
    assert str(Message("")) == ""


@pytest.mark.parametrize(
    ("setting", "environ", "site", "language"),
    [
        ("ja", {"LC_ALL": "en_US.UTF-8"}, "en", "ja"),
        ("", {"LC_ALL": "ja_JP.UTF-8", "LANG": "en_US.UTF-8"}, "en", "ja"),
        ("", {"LC_MESSAGES": "ja_JP.eucJP", "LANG": "en_US"}, "en", "ja"),
        ("", {"LC_ALL": "C", "LC_MESSAGES": "POSIX", "LANG": "ja_JP"}, "en", "ja"),
        ("", {"LC_ALL": "C.UTF-8", "LANG": ""}, "ja", "ja"),
        ("", {"LANG": "en_GB.UTF-8@euro"}, "ja", "en"),
        ("", {"LANG": "fr_FR.UTF-8"}, "ja", "en"),
        ("", {}, "ja-JP", "ja"),
        (None, {}, None, "en"),
    ],
)
def test_the_language_is_chosen(
    setting: str | None, environ: Mapping[str, str], site: str | None, language: str
) -> None:
    assert choose(setting, environ, site) == language
