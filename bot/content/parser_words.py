"""What the parsers of YAML, TOML and JSON say, in the reader's words. Pure."""

from __future__ import annotations

from bot.i18n import Message, msg

_SAID = (
    # libyaml (https://github.com/yaml/libyaml/blob/master/src/scanner.c and parser.c)
    ("mapping values are not allowed", msg("a colon stands where none may be")),
    ("could not find expected ':'", msg("a key has no colon after it")),
    ("cannot start any token", msg("a character stands there that must be in quotes")),
    ("did not find expected key", msg("a key does not fit what is above it")),
    ("did not find expected '-'", msg("a line does not fit the list above it")),
    ("did not find expected ',' or", msg("a bracket is not closed, or a comma is missing")),
    ("did not find expected node", msg("a value is missing, or a bracket is not closed")),
    ("unexpected end of stream", msg("a quote is not closed")),
    ("violates indentation", msg("a tab indents the line")),
    ("undefined alias", msg("a text begins with *, which names something that is not there")),
    ("unknown escape character", msg("a backslash stands before a letter that it does not fit")),
    ("unacceptable character", msg("a control character stands there")),
    ("special characters are not allowed", msg("a control character stands there")),
    # tomllib (https://github.com/python/cpython/blob/main/Lib/tomllib/_parser.py)
    ("Invalid value", msg("a value is in no form that there is")),
    ("Expected '=' after a key", msg("a key has no = after it")),
    ("Invalid statement", msg("a line is neither a key with a value nor a table")),
    ("Unclosed array", msg("a bracket is not closed, or a comma is missing")),
    ("Unclosed inline table", msg("a bracket is not closed, or a comma is missing")),
    ("Unterminated string", msg("a quote is not closed")),
    ("Illegal character", msg("a quote is not closed, or a control character stands there")),
    ("Expected newline or end of document", msg("more stands behind a value")),
    ("Cannot overwrite a value", msg("a key stands twice")),
    ("Cannot declare", msg("a table stands twice")),
    # json (https://github.com/python/cpython/blob/main/Lib/json/decoder.py)
    ("Expecting value", msg("a value is missing")),
    ("Expecting ',' delimiter", msg("a comma is missing")),
    ("Expecting ':' delimiter", msg("a key has no colon after it")),
    ("Expecting property name", msg("a key in quotes is missing")),
    ("Illegal trailing comma", msg("a comma has nothing behind it")),
    ("Extra data", msg("more stands behind the end")),
    ("Invalid control character", msg("a control character stands there")),
    ("Invalid \\", msg("a backslash stands before a letter that it does not fit")),
    # and bot.content.matter
    ("a key must be text", msg("a key is no text")),
    ("this is no base64 text", msg("a text that is marked as base64 is none")),
    ("half of a surrogate pair", msg("half of a character stands there")),
)


def in_words(reason: str) -> Message:
    """What a parser says; as it says it where that is not known."""
    known = next((words for part, words in _SAID if part in reason), None)
    return known or Message(reason.rstrip(".").replace("{", "{{").replace("}", "}}"))
