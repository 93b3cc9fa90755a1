"""Front matter: python-frontmatter with handlers of our own for YAML, TOML and JSON.

They find the delimiters as Hugo does, keep dates as text (`dates` reads them), put every key in
lower case, and raise ContentError with a line instead of answering `{}`.
"""

from __future__ import annotations

import base64
import binascii
import functools
import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from bot.content.parser_words import in_words
from bot.content.quick import read_quickly
from bot.errors import ContentError
from bot.i18n import Message, msg

if TYPE_CHECKING:
    from frontmatter.default_handlers import BaseHandler

MAX_MATTER = 256 * 1024
MAX_NODES = 20_000
MAX_DEPTH = 60

_OPENING = re.compile(r"\s*(---|\+\+\+|\{)")
_SURROGATE_PAIR = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_INT = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|[1-9][0-9_]*|0)")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
# YAML 1.1 ends a line at these three, YAML 1.2 and Hugo do not: they are hidden from libyaml
_LINE_BREAKS = re.compile("[\x85\u2028\u2029]")
_HIDDEN_BREAKS = str.maketrans("\x85\u2028\u2029", "\U0010fff0\U0010fff1\U0010fff2")
_SHOWN_BREAKS = {hidden: shown for shown, hidden in _HIDDEN_BREAKS.items()}
_PRIVATE = re.compile("[\U0010fff0-\U0010fff2]")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_WIDE_INDENT = re.compile("^[ \t]*[\u3000\xa0]", re.MULTILINE)
_WIDE_COLON = re.compile(r"^\s*[\w-]+[ \t]*：", re.MULTILINE)
_NOT_PLAIN_TEXT = frozenset("+-.0123456789~nNtTfF")


def split_matter(text: str) -> tuple[dict[str, Any], str]:
    """The front matter of `text` with lower-case keys, and the body. Raises ContentError."""
    import frontmatter

    opening = _OPENING.match(text)
    if opening is None:
        return {}, text
    handler = _handlers()[opening[1]]
    try:
        data, body = frontmatter.parse(text, handler=handler)
    except ContentError as error:
        error.line = _line(text, opening.start(1)) + (error.line or 1) - 1
        raise
    return data, body


def load_data(kind: str, text: str) -> dict[str, Any]:
    """A whole file of YAML, TOML or JSON, with lower-case keys. Raises ContentError."""
    return _checked({"YAML": _load_yaml, "TOML": _load_toml, "JSON": _load_json}[kind], text)


@functools.cache
def _handlers() -> Mapping[str, BaseHandler]:
    from frontmatter.default_handlers import BaseHandler

    class Delimited(BaseHandler):
        """Between two lines that begin with the delimiter (what follows a fence is no fence)."""

        def __init__(self, fence: str, kind: str, load: Callable[[str], Any]) -> None:
            super().__init__(re.compile(r"\A" + re.escape(fence)), fence, fence)
            self.fence, self.kind, self._load = fence, kind, load

        def split(self, text: str) -> tuple[str, str]:
            end = text.find("\n" + self.fence, 2)
            if end < 0:
                raise ContentError(
                    msg("The front matter begins with {fence} and never ends.", fence=self.fence),
                    code="front-matter-open",
                    line=1,
                    hint=msg("Close it with a line of {fence}.", fence=self.fence),
                )
            return text[3 : end + 1], text[end + 4 :]

        def load(self, fm: str) -> dict[str, Any]:
            return _checked(self._load, fm)

    class Json(BaseHandler):
        FM_BOUNDARY = re.compile(r"\A\{")

        def split(self, text: str) -> tuple[str, str]:
            try:
                end = json.JSONDecoder().raw_decode(text)[1]
            except RecursionError:
                raise _too_much() from None
            except ValueError as error:
                raise _bad_json(error) from None
            return text[:end], text[end:]

        def load(self, fm: str) -> dict[str, Any]:
            return _checked(_load_json, fm)

    return {
        "---": Delimited("---", "YAML", _load_yaml),
        "+++": Delimited("+++", "TOML", _load_toml),
        "{": Json(),
    }


def _checked(load: Callable[[str], Any], text: str) -> dict[str, Any]:
    """`load(text)`, if it is small and a mapping."""
    if len(text) > MAX_MATTER:
        raise ContentError(
            msg("The front matter is larger than {kib} KiB.", kib=MAX_MATTER // 1024),
            code="front-matter-size",
            line=1,
            hint=msg("Move what is not about the post out of it."),
        )
    try:
        data = load(text)
    except RecursionError:
        raise _too_much() from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ContentError(
            msg("The front matter is not a list of keys and values."),
            code="front-matter-shape",
            line=2,
            hint=_hint("YAML", text)
            if _WIDE_COLON.search(text)
            else msg("Write it like `title: …`, one key a line."),
        )
    return data


# --- TOML and JSON --------------------------------------------------------------------------------


def _load_toml(text: str) -> Any:
    import tomllib

    try:
        return _tidy(tomllib.loads(text.replace("\r\n", "\n")))
    except ValueError as error:
        found = re.search(r"\(at line (\d+)", str(error))
        reason = re.sub(r" \(at .*", "", str(error))
        last = text.rstrip().count("\n") + 1
        raise _bad("TOML", reason, int(found[1]) if found else last) from None


def _load_json(text: str) -> Any:
    try:
        return _tidy(json.loads(text, object_pairs_hook=_pairs))
    except ValueError as error:
        raise _bad_json(error) from None


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        names = [name for name, _ in pairs]
        raise _duplicate(next(name for name in names if names.count(name) > 1), 1)
    return data


def _bad_json(error: ValueError) -> ContentError:
    reason: str = getattr(error, "msg", "") or str(error)
    return _bad("JSON", reason, getattr(error, "lineno", 1))


def _tidy(value: Any, depth: int = 0) -> Any:
    """Lower-case keys everywhere; half a surrogate pair (only JSON can write one) is refused."""
    if depth > MAX_DEPTH:
        raise _too_much()
    if isinstance(value, dict):
        tidied: dict[str, Any] = {}
        for key, item in value.items():
            _put(tidied, str(key), _tidy(item, depth + 1))
        return tidied
    if isinstance(value, list):
        return [_tidy(item, depth + 1) for item in value]
    if isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value):
        raise _bad("JSON", "half of a surrogate pair", 1)
    return value


# --- YAML -----------------------------------------------------------------------------------------


def _load_yaml(text: str) -> Any:
    quick = read_quickly(text, plain_scalar)
    if quick is not None:
        return quick
    return _load_any_yaml(text)


def _load_any_yaml(text: str) -> Any:
    import yaml

    if "\\ud" in text.lower():
        text = _SURROGATE_PAIR.sub(_one_character, text)
    if _LINE_BREAKS.search(text):
        text = text.translate(_HIDDEN_BREAKS)
    try:
        loader = _yaml_loader()(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
        return None if node is None else _Construct().value(node, 0)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, near = _near(text, mark.line + 1 if mark else 1)
        raise _bad("YAML", error.problem or str(error), line, near) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position if isinstance(error.position, int) else 0) + 1
        raise _bad("YAML", error.reason, line) from None
    except yaml.YAMLError as error:
        raise _bad("YAML", str(error), 1) from None


def _near(text: str, line: int) -> tuple[int, str]:
    """The line of an error and what stands there; the one before, where that is what a Japanese
    keyboard wrote (the parser stumbles behind it)."""
    lines = text.split("\n")
    for number in (line, line - 1):
        near = lines[number - 1] if 0 < number <= len(lines) else ""
        if _WIDE_COLON.search(near) or _WIDE_INDENT.search(near):
            return number, near
    return line, ""


@functools.cache
def _yaml_loader() -> Any:
    """CSafeLoader without its implicit types: nodes come from C and all scalars are text."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc]
        def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
            return ""

        def descend_resolver(self, current_node: Any, current_index: Any) -> None: ...
        def ascend_resolver(self) -> None: ...

    return Loader


class _Construct:
    """Nodes → values, with a budget that an alias bomb runs out of."""

    def __init__(self) -> None:
        self.budget = MAX_NODES

    def value(self, node: Any, depth: int) -> Any:
        self.budget -= 1
        if self.budget < 0 or depth > MAX_DEPTH:
            raise _too_much(node.start_mark.line + 1)
        if node.id == "scalar":
            return _scalar(node)
        if node.id == "sequence":
            return [self.value(item, depth + 1) for item in node.value]
        return self.mapping(node, depth)

    def mapping(self, node: Any, depth: int) -> dict[str, Any]:
        data: dict[str, Any] = {}
        seen: set[str] = set()
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if key_node.id != "scalar":
                raise _bad("YAML", "a key must be text", line)
            key = key_node.value
            value = self.value(value_node, depth + 1)
            if key == "<<" and not key_node.style:
                for merged in value if isinstance(value, list) else [value]:
                    data = {**merged, **data} if isinstance(merged, dict) else data
                continue
            if key in seen:
                raise _duplicate(key, line)
            seen.add(key)
            _put(data, key, value)
        return data


def _scalar(node: Any) -> Any:
    tag: str = node.tag or ""
    if tag.endswith(":binary"):
        return _binary(node)
    text: str = node.value
    if _PRIVATE.search(text):
        text = text.translate(_SHOWN_BREAKS)
    return text if node.style or tag.endswith(":str") or tag == "!" else plain_scalar(text)


def plain_scalar(text: str) -> Any:
    """What an unquoted YAML word means to Hugo: nothing, true or false, a number, else text."""
    if text and text[0] not in _NOT_PLAIN_TEXT:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > 40:
        return text
    if _INT.fullmatch(text):
        return _integer(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _integer(text: str) -> int:
    digits = text.lstrip("+-").replace("_", "")
    octal = len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()
    number = int(digits, 8) if octal else int(digits, 0)
    return -number if text[0] == "-" else number


def _binary(node: Any) -> str:
    try:
        return base64.b64decode(node.value, validate=False).decode()
    except (binascii.Error, ValueError):
        raise _bad("YAML", "this is no base64 text", node.start_mark.line + 1) from None


def _one_character(pair: re.Match[str]) -> str:
    high, low = int(pair[1], 16), int(pair[2], 16)
    return f"\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08x}"


# --- both -----------------------------------------------------------------------------------------


def _put(data: dict[str, Any], key: str, value: Any) -> None:
    """Keys are case-insensitive. Of `draft` and `Draft` the one that says yes wins."""
    name = key.lower()
    if name == "draft" and data.get(name):
        return
    data[name] = value


def _bad(kind: str, reason: str, line: int, near: str = "") -> ContentError:
    """`near`: the line of a YAML text where that is worth a word."""
    return ContentError(
        msg("The front matter is no valid {kind}: {reason}.", kind=kind, reason=in_words(reason)),
        code="front-matter",
        line=line,
        hint=_hint(kind, near),
    )


def _hint(kind: str, near: str) -> Message:
    if _WIDE_INDENT.search(near):
        return msg("A line begins with a full-width space: indent with ordinary spaces.")
    if _WIDE_COLON.search(near):
        return msg("A key ends with a full-width colon (：): write : and a space.")
    if kind == "YAML":
        return msg(
            "Put quotes around a text that holds : # @ ` [ or a quote, and indent with spaces."
        )
    return msg("Check quotes, commas and brackets on this line and the one before.")


def _duplicate(key: str, line: int) -> ContentError:
    return ContentError(
        msg("The key {key} stands twice in the front matter.", key=key),
        code="front-matter-duplicate",
        line=line,
        hint=msg("Keep one of them."),
    )


def _too_much(line: int = 1) -> ContentError:
    return ContentError(
        msg("The front matter unfolds into more than can be read."),
        code="front-matter-size",
        line=line,
        hint=msg("Write it without aliases (*name) and deep nesting."),
    )


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
