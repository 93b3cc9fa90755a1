"""HTTP, for everyone: the only module that knows the client.

One call is one request on a connection of its own, within one deadline; no redirect is followed,
nothing is tried twice, no proxy of the environment is used. What failed before the first byte of
the request went out is NotSent, what failed after it is OutcomeUnknown.
"""

from __future__ import annotations

import ipaddress
import json as jsonlib
import logging
import queue
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bot import __version__
from bot.errors import BotError, OutcomeUnknown, PosterError, Rejected, Transient
from bot.i18n import Message, msg

if TYPE_CHECKING:
    import httpcore
    import httpx  # noqa: TID251

    from bot.model import Clock

BODY_CAP = 16 * 1024 * 1024
CHUNK = 64 * 1024
HOST = re.compile(rb"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")

Resolve = Callable[[str, int], list[Any]]
File = tuple[str, bytes, str]
"""A file of a form: name, bytes, MIME type."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. Header names are lower case. Its repr tells nothing it should not."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return jsonlib.loads(self.body)
        except (ValueError, RecursionError):
            return None


class Net:
    """A client with a time-out and a clock. It holds no connection, so threads may share it."""

    def __init__(
        self,
        timeout: float,
        clock: Clock,
        *,
        about: str = "",
        body_cap: int = BODY_CAP,
        resolve: Resolve | None = None,
        inside: Collection[str] = (),
    ) -> None:
        """`inside`: hosts in one's own network that `public` calls may reach."""
        self.timeout, self.clock = timeout, clock
        self._inside = frozenset(host.lower() for host in inside)
        self._agent = f"bot/{__version__}" + (f" (+{about})" if about else "")
        self._body_cap = body_cap
        self._resolve = resolve or _resolve
        self._tls: ssl.SSLContext | None = None

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        files: Mapping[str, File] | None = None,
        content: bytes | None = None,
        timeout: float | None = None,
        public: bool = False,
        guard: Callable[[], None] | None = None,
    ) -> Answer:
        """One call. `guard` is called last before the first byte goes out; what it raises passes.
        `public`: only addresses that anybody can reach are connected to.

        Raises Transient or Rejected where nothing was sent, OutcomeUnknown where an answer is lost.
        """
        resolve = _public_only(self._resolve, self._inside) if public else self._resolve
        wire = Wire(self.clock, timeout or self.timeout, resolve, guard)
        sent_headers = {
            "User-Agent": self._agent,
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "Connection": "close",
            **(headers or {}),
        }
        if json is not None:
            sent_headers["Content-Type"] = "application/json"
            content = jsonlib.dumps(json, ensure_ascii=False).encode("utf-8", "replace")
        request = _request(method, url, sent_headers, params, form, files, content)
        try:
            return self._send(request, wire)
        except BotError:
            raise
        except Exception as error:
            raise _verdict(error, wire, request.url.host) from None

    def _send(self, request: httpx.Request, wire: Wire) -> Answer:
        import httpcore

        url = request.url
        port = url.port or (443 if url.scheme == "https" else 80)
        core = httpcore.Request(
            method=request.method.encode("ascii"),
            url=httpcore.URL(
                scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
            ),
            headers=request.headers.raw,
            content=request.stream,
        )
        origin = httpcore.Origin(url.raw_scheme, url.raw_host, port)
        tls = self._tls_context() if url.scheme == "https" else None
        with httpcore.HTTPConnection(origin, ssl_context=tls, network_backend=wire) as connection:  # type: ignore[arg-type]
            response = connection.handle_request(core)
            try:
                body = self._read(response)
                wire.finish()
            finally:
                response.close()
        return Answer(response.status, _headers(response.headers), body)

    def _read(self, response: httpcore.Response) -> bytes:
        body = bytearray()
        for chunk in response.iter_stream():
            body += chunk
            if len(body) > self._body_cap:
                raise _TooMuch
        return bytes(body)

    def _tls_context(self) -> ssl.SSLContext:
        """Mozilla's certificates, and those that the machine's owner trusts."""
        if self._tls is None:
            import httpx  # noqa: TID251

            self._tls = httpx.create_ssl_context(trust_env=False)
            self._tls.load_default_certs()
        return self._tls


class Wire:
    """The way of one call to the network (httpcore's NetworkBackend): every step gets what is left
    of the one deadline, and `begun` turns true just before the first byte of the request."""

    def __init__(
        self, clock: Clock, seconds: float, resolve: Resolve, guard: Callable[[], None] | None
    ) -> None:
        self.begun = False
        self._clock, self._ends = clock, clock.steady() + seconds
        self._resolve, self._guard = resolve, guard
        self._socket: socket.socket | None = None

    def left(self) -> float:
        left = self._ends - self._clock.steady()
        if left <= 0:
            raise TimeoutError
        return left

    def begin(self) -> None:
        if not self.begun:
            if self._guard is not None:
                self._guard()
            self.begun = True

    def hold(self, connection: socket.socket) -> Stream:
        """Until the answer is there, closing (or dying) resets the connection: bytes that still
        wait in the kernel are not delivered minutes after the call was given up."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket = connection
        return Stream(connection, self)

    def finish(self) -> None:
        """The answer is complete: close in the ordinary way."""
        if self._socket is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> Stream:
        """The first address that answers; each gets its share of the time that is left."""
        addresses = self._lookup(host, port)
        failure: OSError = socket.gaierror(socket.EAI_NONAME, "no address")
        for tried, (family, kind, protocol, _name, address) in enumerate(addresses):
            connection = socket.socket(family, kind, protocol)
            try:
                connection.settimeout(self.left() / (len(addresses) - tried))
                connection.connect(address)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return self.hold(connection)
            except OSError as error:
                connection.close()
                failure = error
        raise failure

    def _lookup(self, host: str, port: int) -> list[Any]:
        """Looking a name up cannot be interrupted, so a thread does it and may be left behind."""
        found: queue.SimpleQueue[list[Any] | Exception] = queue.SimpleQueue()

        def look() -> None:
            try:
                found.put(self._resolve(host, port))
            except Exception as error:
                found.put(error)

        threading.Thread(target=look, daemon=True).start()
        try:
            result = found.get(timeout=self.left())
        except queue.Empty:
            raise TimeoutError from None
        if isinstance(result, Exception):
            raise result
        return result


class Stream:
    """One connection (httpcore's NetworkStream)."""

    def __init__(self, connection: socket.socket, wire: Wire) -> None:
        self._socket, self._wire = connection, wire

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._socket.settimeout(self._wire.left())
        return self._socket.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        import httpcore

        rest = memoryview(buffer)
        while rest:
            self._socket.settimeout(self._wire.left())
            self._wire.begin()
            try:
                sent = self._socket.send(rest[:CHUNK])
            except TimeoutError:
                raise
            except OSError as error:  # the server may have answered early and closed: read that
                raise httpcore.WriteError from error
            rest = rest[sent:]

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> Stream:
        self._socket.settimeout(self._wire.left())
        try:
            secure = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except BaseException:
            self.close()
            raise
        return self._wire.hold(secure)

    def get_extra_info(self, info: str) -> Any:
        return None

    def close(self) -> None:
        self._socket.close()


class _TooMuch(Exception):
    """The answer is larger than any answer has reason to be."""


class _Inside(Exception):
    """The name leads into a private network."""


def _resolve(host: str, port: int) -> list[Any]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def _public_only(resolve: Resolve, inside: Collection[str]) -> Resolve:
    """A name may lead anywhere; what a stranger's document names must not lead inside."""

    def checked(host: str, port: int) -> list[Any]:
        found = resolve(host, port)
        if host.lower() in inside:
            return found
        if any(not ipaddress.ip_address(entry[4][0].split("%")[0]).is_global for entry in found):
            raise _Inside
        return found

    return checked


def _request(
    method: str,
    url: str,
    headers: Mapping[str, str],
    params: Mapping[str, str] | None,
    form: Mapping[str, str] | None,
    files: Mapping[str, File] | None,
    content: bytes | None,
) -> httpx.Request:
    import httpx  # noqa: TID251

    # httpcore tells every step at DEBUG, headers of answers (cookies) among them
    logging.getLogger("httpcore").setLevel(logging.WARNING)
    try:
        address = httpx.URL(url) if params is None else httpx.URL(url, params=params)
        host_is_one = HOST.fullmatch(address.raw_host) and (address.port or 1) < 65536
        if address.scheme not in ("http", "https") or not host_is_one:
            raise ValueError
        return httpx.Request(
            method, address, headers=headers, data=form, files=files, content=content
        )
    except (httpx.InvalidURL, ValueError, TypeError):
        raise Rejected(
            msg("A call could not be made: its address or a header is not valid."),
            code="bad-request",
            hint=msg("Look at the account's address and at its token: no spaces, no line breaks."),
        ) from None


def _headers(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def _verdict(error: Exception, wire: Wire, host: str) -> PosterError:
    """What a failed call proves (measured with httpcore 1.0.9): all hangs on the first byte."""
    why = _why(error)
    if wire.begun:
        return OutcomeUnknown(
            msg("{host} was called and its answer is lost: {why}.", host=host, why=why)
        )
    return Transient(msg("{host} could not be reached: {why}.", host=host, why=why))


def _why(error: Exception) -> Message:
    """The cause in words; never the error's own text, which may quote what was sent."""
    if isinstance(error, TimeoutError):
        return msg("no answer in time")
    if isinstance(error, ssl.SSLCertVerificationError):
        return msg("its certificate is not valid ({detail})", detail=error.verify_message)
    if isinstance(error, ssl.SSLError):
        return msg("no secure connection")
    if isinstance(error, socket.gaierror):
        return msg("its name is not known")
    if isinstance(error, ConnectionRefusedError):
        return msg("it refuses connections")
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return msg("the connection was cut")
    if isinstance(error, _Inside):
        return msg("its address is not a public one")
    if isinstance(error, _TooMuch):
        return msg("the answer is far too long")
    if isinstance(error, OSError):
        return msg("the network failed ({detail})", detail=error.strerror or type(error).__name__)
    return msg("the answer is no HTTP")
