"""Files → text: only regular files of a sane size, only UTF-8, and what is wrong said with its line."""

from __future__ import annotations

import errno
import hashlib
import os
import stat

from bot.errors import ContentError
from bot.i18n import Message, msg

MAX_FILE = 4 * 1024 * 1024
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class IrregularFile(OSError):
    """A folder, a FIFO, a device."""


def read_file(file: str, most: int = MAX_FILE) -> bytes:
    """A regular file, one byte beyond `most` at most; a FIFO is refused without waiting for it, and
    a symbolic link is not followed."""
    opened = os.open(file, _FLAGS | _NO_LINK)
    try:
        info = os.fstat(opened)
        if not stat.S_ISREG(info.st_mode):
            raise IrregularFile
        size = min(info.st_size, most) + 1
        data = os.read(opened, size)
        while size <= most and len(data) == size:  # it grows while it is read
            data += os.read(opened, size := min(2 * size, most + 1))
        return data
    finally:
        os.close(opened)


def read_head(file: str, most: int) -> tuple[bytes, int]:
    """The first `most` bytes of a regular file, and its size."""
    opened = os.open(file, _FLAGS)
    try:
        info = os.fstat(opened)
        if not stat.S_ISREG(info.st_mode):
            raise IrregularFile
        return os.read(opened, most), info.st_size
    finally:
        os.close(opened)


def content_hash(data: bytes) -> str:
    """Tells one version of a file from another."""
    return hashlib.sha256(data).hexdigest()[:32]


def linked(path: str) -> ContentError:
    return ContentError(
        msg("This is a symbolic link: it is not followed, as Hugo does not either."),
        code="symlink",
        path=path,
        hint=msg("Put the file or folder itself here, or mount it in Hugo's configuration."),
    )


def unreadable(path: str, error: OSError) -> ContentError:
    if error.errno == errno.ELOOP:
        return linked(path)
    if isinstance(error, IrregularFile):
        message = msg("This is no plain file, so it cannot be read.")
    else:
        message = msg("The file cannot be read: {reason}.", reason=reason_of(error))
    return ContentError(
        message,
        code="unreadable",
        path=path,
        hint=msg("Check its permissions, and that it is a plain file."),
    )


def reason_of(error: OSError) -> Message:
    """Why the system refuses, in the reader's words where it is usual."""
    known = {
        errno.EACCES: msg("permission denied"),
        errno.EPERM: msg("permission denied"),
        errno.ENOENT: msg("it is no longer there"),
        errno.EIO: msg("the disk or the drive does not answer"),
    }
    return known.get(error.errno or 0) or Message(
        (error.strerror or str(error)).replace("{", "").replace("}", "")
    )


def decode(data: bytes) -> str:
    """The text of a file. Raises ContentError with the line of what is no UTF-8 text."""
    if len(data) > MAX_FILE:
        raise ContentError(
            msg("The file is larger than {mib} MiB.", mib=MAX_FILE // 2**20),
            code="too-large",
            hint=msg("A post is text; move what is not out of it."),
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_utf8(data, error.start) from None
    if "\ufffd" in text or b"\0" in data:
        raise _damaged(text)
    if "\r" in text and "\n" not in text.rstrip("\r\n") and "\r" in text.rstrip("\r\n"):
        raise ContentError(
            msg("The lines of the file end with CR alone, so it is one line for Hugo."),
            code="cr-only",
            line=1,
            hint=msg("Save it with the line ends of Unix (LF)."),
        )
    return text.removeprefix("\ufeff")


def _not_utf8(data: bytes, at: int) -> ContentError:
    return ContentError(
        msg("The file is not UTF-8 text."),
        code="not-utf8",
        line=data.count(b"\n", 0, at) + 1,
        hint=msg("Save it as UTF-8 (it may be Shift_JIS, EUC-JP or UTF-16 now)."),
    )


def _damaged(text: str) -> ContentError:
    nul = text.find("\0")
    at = nul if nul >= 0 else text.find("\ufffd")
    line = text.count("\n", 0, at) + 1
    if nul >= 0:
        return ContentError(
            msg("The file holds a NUL character, so it is no text."),
            code="nul",
            line=line,
            hint=msg("Remove it, or restore the file."),
        )
    return ContentError(
        msg("The file holds U+FFFD, the mark of a lost character."),
        code="lost-character",
        line=line,
        hint=msg("Write the character that belongs there."),
    )
