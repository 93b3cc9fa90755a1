"""The error tree. Every error has a code to search for, a place, what is wrong and what to do.

BotError
├ ConfigError (file, line, key)   ├ ContentError (path, line)   ├ DraftError (cannot fit, nothing to say)
├ UsageError (the command line asks for what cannot be)
├ OutboxError: StoreUnavailable | LostLease (stop, never commit) | IllegalMove (a bug)
└ PosterError
   ├ NotSent: Transient → retry | RateLimited(until) → the target waits | Unauthorized → the target pauses
   │          OutOfQuota(until) → the target waits until then, shown | Rejected → failed
   │          Duplicate (a Rejected) → failed; after an earlier attempt: look, then ask a person
   │          MediaRefused → prepare again without the image
   │          MediaUnavailable (a Transient) → retry; after some attempts without the image
   └ OutcomeUnknown → unknown
"""

from __future__ import annotations

from datetime import datetime

from bot.i18n import Message


class BotError(Exception):
    """`message` says what is wrong in the reader's words, `hint` what to do. Never holds a secret."""

    code = "error"

    def __init__(
        self,
        message: Message,
        *,
        code: str | None = None,
        path: str | None = None,
        line: int | None = None,
        key: str | None = None,
        hint: Message | None = None,
    ) -> None:
        super().__init__(message)
        self.message, self.path, self.line, self.key, self.hint = message, path, line, key, hint
        self.code = code or type(self).code

    @property
    def place(self) -> str:
        """`file:line`, as editors open it; empty where there is none."""
        if self.path is None:
            return ""
        return self.path if self.line is None else f"{self.path}:{self.line}"

    def __str__(self) -> str:
        return str(self.message)


class ConfigError(BotError):
    code = "config"


class ContentError(BotError):
    code = "content"


class DraftError(BotError):
    code = "draft"


class UsageError(BotError):
    code = "usage"


class OutboxError(BotError):
    code = "outbox"


class StoreUnavailable(OutboxError):
    code = "store-unavailable"


class LostLease(OutboxError):
    """Another process has the delivery now. Stop; never commit."""

    code = "lost-lease"


class IllegalMove(OutboxError):
    code = "illegal-move"


class PosterError(BotError):
    code = "poster"


class NotSent(PosterError):
    """Proven: nothing became visible."""

    code = "not-sent"


class Transient(NotSent):
    code = "transient"


class MediaUnavailable(Transient):
    """Pictures cannot be uploaded for now, while the server answers otherwise: retry, and go without
    the picture when that has lasted."""

    code = "media-unavailable"


class _Until(NotSent):
    def __init__(
        self, message: Message, *, until: datetime | None = None, code: str | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.until = until


class RateLimited(_Until):
    """`until`: when the network takes calls again; None where it does not say."""

    code = "rate-limited"


class OutOfQuota(_Until):
    code = "out-of-quota"


class Unauthorized(NotSent):
    code = "unauthorized"


class Rejected(NotSent):
    code = "rejected"


class Duplicate(Rejected):
    """The same text is there already: perhaps from an earlier attempt of ours."""

    code = "duplicate"


class MediaRefused(NotSent):
    """The image is missing, expired or not accepted: prepare again, at last without it."""

    code = "media-refused"


class OutcomeUnknown(PosterError):
    """The call was begun and its answer is lost: it may be visible or not."""

    code = "outcome-unknown"
