"""An SMTP server on 127.0.0.1 that takes every mail and keeps it."""

from __future__ import annotations

import socketserver
import threading
from typing import Any


class SmtpServer:
    """`mails` holds (sender, recipients, data); `refuse` answers the next mail with a 554."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, list[str], str]] = []
        self.refuse = False
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.004,), daemon=True
        )

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def __enter__(self) -> SmtpServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(server: SmtpServer) -> Any:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 fake")
            sender, recipients = "", list[str]()
            while line := self.rfile.readline().decode().rstrip("\r\n"):
                word = line[:4].upper()
                if word == "MAIL":
                    sender = line
                elif word == "RCPT":
                    recipients.append(line)
                elif word == "DATA":
                    self._say("354 go on")
                    server.mails.append((sender, recipients, self._data()))
                elif word == "QUIT":
                    self._say("221 bye")
                    return
                self._say("554 no" if server.refuse and word == "MAIL" else "250 ok")

        def _data(self) -> str:
            lines = []
            while (line := self.rfile.readline().decode()) != ".\r\n":
                lines.append(line)
            return "".join(lines)

        def _say(self, words: str) -> None:
            self.wfile.write(f"{words}\r\n".encode())

    return Handler
