"""Templates: Jinja2 in a sandbox without functions, clock or chance, and checks that name the line.

A template is all the text that is sent. It is the owner's own, but a slip in it must neither hang
the bot nor fill its memory: sizes, loops and powers are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from bot.errors import DraftError
from bot.i18n import Message, msg

if TYPE_CHECKING:
    from jinja2 import Template, nodes
    from jinja2.sandbox import SandboxedEnvironment

SHRINKABLE = ("title", "bullets", "hashtags")
VARIABLES = ("title", "bullets", "link", "hashtags", "date", "site", "author")

LONGEST_TEMPLATE = 10_000
LONGEST_TEXT = 100_000
_DEEPEST_LOOP = 2

_ELSEWHERE = {
    "url": "link", "permalink": "link", "uri": "link", "href": "link",
    "summary": "bullets", "description": "bullets", "excerpt": "bullets", "text": "bullets",
    "body": "bullets", "lines": "bullets",
    "tags": "hashtags", "keywords": "hashtags", "headline": "title", "name": "title",
    "sitename": "site", "blog": "site", "published": "date", "pubdate": "date",
}  # fmt: skip
"""What other tools call our variables."""

_FOREIGN = re.compile(
    r"(?<!\{)\$?\{\s*\.?([A-Za-z_]+)\s*\}(?!\})|%\(?([A-Za-z_]+)\)?[s%]|(?<![\w$])\$([A-Za-z_]+)\b"
)
_ELSE_MARKED = re.compile(
    r"\{\{[{\-]?\s*\.(?:Page\.|Site\.)?([A-Za-z_]+)\s*[}\-]?\}\}|<%[=\-]?\s*([A-Za-z_]+)\s*-?%>"
    r"|\{\{\{\s*([A-Za-z_]+)\s*\}\}\}"
)
"""{{ .Title }} (Hugo), <%= title %> (ERB, EJS), {{{ title }}} (Handlebars)."""

_FILTERS = (
    "abs", "capitalize", "d", "default", "first", "float", "int", "join", "last", "length", "count",
    "list", "lower", "map", "max", "min", "reject", "rejectattr", "replace", "reverse", "round",
    "select", "selectattr", "sort", "string", "sum", "title", "trim", "truncate", "unique", "upper",
    "urlencode", "wordcount",
)  # fmt: skip
_TEXT_METHODS = (
    "capitalize", "casefold", "count", "endswith", "find", "isalpha", "isascii", "isdigit", "lower",
    "lstrip", "partition", "removeprefix", "removesuffix", "rpartition", "rsplit", "rstrip", "split",
    "splitlines", "startswith", "strip", "swapcase", "title", "upper",
)  # fmt: skip
_DATE_METHODS = (
    "year", "month", "day", "hour", "minute", "second", "weekday", "isoweekday", "isoformat",
    "date", "strftime",
)  # fmt: skip
_LOOP = (
    "index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem", "nextitem",
)  # fmt: skip


class Words(tuple[str, ...]):
    """A list that a template can go through or print as it is."""

    __slots__ = ()
    between = " "
    before = ""

    def __str__(self) -> str:
        return self.between.join(self.before + word for word in self)


class DotBullets(Words):
    __slots__ = ()
    between, before = "\n", "• "


class JapaneseBullets(Words):
    __slots__ = ()
    between, before = "\n", "・"


def check_template(template: str) -> None:
    """Raises DraftError with the line in the template: a slip in the syntax, an unknown variable
    (with the nearest known one), or a template that was written for another tool."""
    _check_spelling(template)
    _compiled(template)
    tree = _parse(template)
    _check_foreign(tree)
    _check_names(tree)
    _check_marks(tree)


@lru_cache(maxsize=256)
def marks(template: str) -> tuple[str, ...]:
    """What `| shrink(n)` says may shrink, in that order; empty where the template does not say."""
    from jinja2 import nodes as kinds

    if "shrink" not in template:
        return ()
    marked = [node for node in _parse(template).find_all(kinds.Filter) if node.name == "shrink"]
    places = sorted(
        (_order(node), name.name) for node in marked for name in node.find_all(kinds.Name)
    )
    return tuple(dict.fromkeys(name for _, name in places if name in SHRINKABLE))


def _order(node: nodes.Filter) -> int:
    from jinja2 import nodes as kinds

    first = node.args[0] if node.args else None
    return first.value if isinstance(first, kinds.Const) and isinstance(first.value, int) else 1


def render(template: str, values: Mapping[str, Any]) -> str:
    """The text of a template: line ends and blank lines tidied, nothing else."""
    from jinja2 import TemplateError

    try:
        text = "".join(_bounded(_compiled(template).generate(**values)))
    except DraftError:
        raise
    except (
        TemplateError,
        ArithmeticError,
        TypeError,
        ValueError,
        LookupError,
        AttributeError,
        RecursionError,
    ) as e:
        raise _wrong(msg("The template cannot be filled in: {reason}", reason=str(e))) from e
    return tidy(text)


def tidy(text: str) -> str:
    lines = [
        line.rstrip(" \t") for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    ]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n \t")


def _wrong(message: Message, line: int | None = None, hint: Message | None = None) -> DraftError:
    return DraftError(message, code="template", line=line, key="template", hint=hint)


def _bounded(pieces: Iterable[str]) -> Iterator[str]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > LONGEST_TEXT:
            raise _wrong(msg("The template makes more than {n} characters", n=LONGEST_TEXT))
        yield piece


@lru_cache(maxsize=256)
def _compiled(template: str) -> Template:
    with _slips_named():
        return _environment().from_string(_parse(template))


def _parse(template: str) -> nodes.Template:
    if len(template) > LONGEST_TEMPLATE:
        raise _wrong(msg("The template is longer than {n} characters", n=LONGEST_TEMPLATE))
    with _slips_named():
        tree = _environment().parse(template)
        _check_statements(tree, 0)
        return _joined(tree)


@contextmanager
def _slips_named() -> Iterator[None]:
    from jinja2 import TemplateSyntaxError

    try:
        yield
    except TemplateSyntaxError as e:
        message = msg("The template has a slip: {reason}", reason=e.message or "")
        raise _wrong(message, e.lineno) from e
    except (RecursionError, SyntaxError, MemoryError) as e:
        raise _wrong(msg("The template is nested too deeply")) from e


def _check_statements(node: nodes.Node, loops: int) -> None:
    """Text, `if`, `for` and `set` are enough, and cannot run away."""
    from jinja2 import nodes as kinds

    allowed = (kinds.Template, kinds.Output, kinds.For, kinds.If, kinds.Assign)
    if isinstance(node, kinds.Stmt) and not isinstance(node, allowed):
        name = type(node).__name__.lower()
        message = msg("A template may use if, for and set, not {name}", name=name)
        raise _wrong(message, node.lineno)
    if isinstance(node, kinds.For):
        loops += 1
        if loops > _DEEPEST_LOOP or node.recursive:
            raise _wrong(msg("The loops of the template are nested too deeply"), node.lineno)
    for child in node.iter_child_nodes():
        _check_statements(child, loops)


def _joined(tree: nodes.Template) -> nodes.Template:
    """`a ~ b` as the join filter, which is bounded."""
    from jinja2 import nodes as kinds
    from jinja2.visitor import NodeTransformer

    class Joiner(NodeTransformer):
        def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
            self.generic_visit(node)
            pieces = kinds.List(node.nodes, lineno=node.lineno)
            return kinds.Filter(pieces, "join", [], [], None, None, lineno=node.lineno)

    tree = Joiner().visit(tree)
    tree.set_environment(_environment())
    return tree


def _check_names(tree: nodes.Template) -> None:
    from jinja2 import meta
    from jinja2 import nodes as kinds

    unknown = meta.find_undeclared_variables(tree) - set(VARIABLES)
    lines = [(n.lineno, n.name) for n in tree.find_all(kinds.Name) if n.name in unknown]
    if not lines:
        return
    line, name = min(lines)
    message = msg("The template has an unknown variable: {name}", name=name)
    raise _wrong(message, line, _hint(_nearest(name)))


def _check_marks(tree: nodes.Template) -> None:
    from jinja2 import nodes as kinds

    for node in tree.find_all(kinds.Filter):
        names = (
            {name.name for name in node.find_all(kinds.Name)} if node.name == "shrink" else set()
        )
        if names - set(SHRINKABLE) or (node.name == "shrink" and not names):
            message = msg("Only {names} may shrink", names=", ".join(SHRINKABLE))
            raise _wrong(message, node.lineno)


def _check_foreign(tree: nodes.Template) -> None:
    from jinja2 import nodes as kinds

    for data in tree.find_all(kinds.TemplateData):
        for match in _FOREIGN.finditer(data.data):
            name = next(filter(None, match.groups()))
            meant = _meant(name)
            if meant is not None:
                line = data.lineno + data.data.count("\n", 0, match.start())
                message = msg("{found} is another tool's spelling", found=match[0].strip())
                raise _wrong(message, line, _hint(meant))


def _check_spelling(template: str) -> None:
    """Spellings of other tools that our syntax would stumble over."""
    for match in _ELSE_MARKED.finditer(template):
        meant = _meant(next(filter(None, match.groups())))
        if meant is not None:
            line = template.count("\n", 0, match.start()) + 1
            raise _wrong(
                msg("{found} is another tool's spelling", found=match[0]), line, _hint(meant)
            )


def _hint(name: str | None) -> Message:
    if name is None:
        return msg("Known are: {names}", names=", ".join(VARIABLES))
    return msg("Write {name}", name="{{ " + name + " }}")


def _meant(name: str) -> str | None:
    """The variable that another tool's name stands for; only names that are surely one."""
    plain = name.lower()
    return plain if plain in VARIABLES else _ELSEWHERE.get(plain)


def _nearest(name: str) -> str | None:
    from difflib import get_close_matches

    near = get_close_matches(name.lower(), [*VARIABLES, *_ELSEWHERE], 1, 0.6)
    return _meant(near[0]) if near else None


@cache
def _environment() -> SandboxedEnvironment:
    from jinja2.exceptions import SecurityError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Environment(ImmutableSandboxedEnvironment):
        intercepted_binops = frozenset(["+", "*", "**", "%"])

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            if not _harmless(operator, left, right):
                raise SecurityError(f"{operator} is too much here")
            return super().call_binop(context, operator, left, right)

        def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
            return attr in _attributes(obj)

        def call(self, context: Any, obj: Any, *args: Any, **kwargs: Any) -> Any:
            if getattr(obj, "__name__", "") == "strftime" and re.search(r"%\W*\d", str(args)):
                raise SecurityError("strftime with a width")
            return super().call(context, obj, *args, **kwargs)

    env = Environment(trim_blocks=True, lstrip_blocks=True, finalize=_finalize, cache_size=0)
    env.globals.clear()
    env.filters = {name: env.filters[name] for name in _FILTERS}
    env.filters.update(join=_join, replace=_replace, shrink=_shrink)
    return env


def _attributes(obj: Any) -> tuple[str, ...]:
    if isinstance(obj, str):
        return _TEXT_METHODS
    if isinstance(obj, date):
        return _DATE_METHODS
    return _LOOP if type(obj).__name__ == "LoopContext" else ()


def _harmless(operator: str, left: Any, right: Any) -> bool:
    if operator == "+":
        return _size(left) + _size(right) <= LONGEST_TEXT
    if operator == "%":
        return isinstance(left, int | float)
    sized = [value for value in (left, right) if not isinstance(value, int | float)]
    if operator == "*" and sized:
        factor = right if sized[0] is left else left
        return isinstance(factor, int) and _size(sized[0]) * max(factor, 0) <= LONGEST_TEXT
    return abs(left) < 1e6 and abs(right) < 64 if not sized else False


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str | Sequence) else 0


def _shrink(value: Any, order: int = 1) -> Any:
    """The mark itself: `marks` reads it, the text is as it is."""
    return value


def _join(values: Iterable[Any], by: str = "") -> str:
    words = [str(_finalize(value)) for value in values]
    if sum(map(len, words)) + len(by) * len(words) > LONGEST_TEXT:
        raise ValueError("the text grows too long")
    return by.join(words)


def _replace(text: str, old: str, new: str) -> str:
    text, old, new = str(text), str(old), str(new)
    if len(text) + (text.count(old) * len(new)) > LONGEST_TEXT:
        raise ValueError("the text grows too long")
    return text.replace(old, new)


def _finalize(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    return value
