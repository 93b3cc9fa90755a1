"""Misskey. Only how it counts text, so far."""

from __future__ import annotations

from bot.model import TextLimit

LIMIT = TextLimit(unit="code-points", maximum=3000)
"""MAX_NOTE_TEXT_LENGTH in
https://github.com/misskey-dev/misskey/blob/develop/packages/backend/src/const.ts"""
