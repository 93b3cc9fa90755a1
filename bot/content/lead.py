"""The best sentences of a post's beginning, for posts without a summary of their own. Pure.

A sentence scores by how often its letter pairs occur in the lead, by what it shares with the title,
by numbers, and by how early it stands. Greetings and questions are never taken.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

MOST = 3
SHORTEST, LONGEST = 20, 110
READ = 40

_SENTENCE = re.compile(r"[^。！？!?]+?(?:[。！？!?]+|(?<!\d)\.(?=\s)|$)\s*")
_GREETING = re.compile(
    r"こんにちは|こんばんは|おはよう|はじめまして|お久しぶり|みなさん|皆さん|ありがとう|お疲れ様|さて|^どうも"
    r"|ようこそ|です[がけ]、?$|\b(?:hello|hi there|hey|welcome|thanks for)\b",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"[?？]|(?:でしょう|ません|ます|です)か。?[」』）)]*$")
_NOT_PROSE = re.compile(r"https?://|^[\W_]+$|：$|:$|\|")
_BRACKETS = (("（", "）"), ("「", "」"), ("『", "』"), ("(", ")"), ("【", "】"))
_WORD = re.compile(r"[^\W_]")


def best_sentences(paragraphs: Sequence[str], title: str) -> tuple[str, ...]:
    """At most three sentences of `paragraphs` (plain text), in their own order."""
    sentences = [s for p in paragraphs for s in sentences_of(p)][:READ]
    fit = [(place, text) for place, text in enumerate(sentences) if _may_stand(text)]
    pairs = Counter(pair for _, text in fit for pair in set(_pairs(text)))
    wanted = set(_pairs(title))

    def score(candidate: tuple[int, str]) -> float:
        place, text = candidate
        own = _pairs(text)
        common = sum(pairs[pair] for pair in own) / len(own)
        shared = len(wanted.intersection(own)) / (len(wanted) or 1)
        number = 1.2 if re.search(r"[0-9０-９]", text) else 1.0
        return common * (1 + 2 * shared) * number / (1 + place / 8)

    best = sorted(fit, key=score, reverse=True)[:MOST]
    return tuple(text for _, text in sorted(best))


def sentences_of(paragraph: str) -> list[str]:
    """The sentences of plain text; none ends inside brackets."""
    sentences = [""]
    for found in _SENTENCE.finditer(paragraph):
        sentences[-1] += found[0]
        if all(sentences[-1].count(a) <= sentences[-1].count(b) for a, b in _BRACKETS):
            sentences.append("")
    return [text for sentence in sentences if (text := sentence.strip())]


def _may_stand(text: str) -> bool:
    if not SHORTEST <= len(text) <= LONGEST or len(_pairs(text)) == 0:
        return False
    return not (_GREETING.search(text) or _QUESTION.search(text) or _NOT_PROSE.search(text))


def _pairs(text: str) -> list[str]:
    letters = "".join(_WORD.findall(text.casefold()))
    return [letters[i : i + 2] for i in range(len(letters) - 1)]
