"""What a person reads: messages that know their words and are put into a language when shown.

`msg("…{name}…", name=…)` makes a Message; `str(message)` speaks the language chosen by `use()`.
Rooms only make messages; the command line chooses the language once.
"""

from __future__ import annotations

import gettext
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "ja")
LOCALE_DIR = Path(__file__).parent / "locale"

_translations: gettext.NullTranslations = gettext.NullTranslations()


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence with its values. `template` is the English text and the key of the catalogue."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self._said_by(_translations)

    def in_language(self, language: str) -> str:
        """For what is written and read by others: the site's language, not the command line's."""
        return self._said_by(_catalogue(language.split("-", maxsplit=1)[0].lower()))

    def _said_by(self, catalogue: gettext.NullTranslations) -> str:
        text = catalogue.gettext(self.template) if self.template else ""
        return (
            text.format(**self.values)
            if self.values
            else text.replace("{{", "{").replace("}}", "}")
        )


def msg(template: str, /, **values: Any) -> Message:
    """The sentence `template` (English, `str.format` fields) with its values; extracted by babel."""
    return Message(template, values)


def use(language: str) -> None:
    """Choose the language of everything shown from now on; an unknown one means English."""
    global _translations
    _translations = _catalogue(language)


def choose(setting: str | None, environ: Mapping[str, str], site: str | None) -> str:
    """The language to speak: the setting, else LC_ALL, LC_MESSAGES, LANG (C and POSIX count as
    unset), else the site's, else English. Only languages with a catalogue are answered."""
    named = [
        setting,
        *(_locale_name(environ.get(k)) for k in ("LC_ALL", "LC_MESSAGES", "LANG")),
        site,
    ]
    first = next((name for name in named if name), "en")
    base = first.replace("_", "-").split("-")[0].lower()
    return base if base in LANGUAGES else "en"


def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation("bot", LOCALE_DIR, languages=[language], fallback=True)


def _locale_name(value: str | None) -> str | None:
    name = (value or "").split(".")[0].split("@")[0]
    return None if name in ("", "C", "POSIX") else name
