"""bot.net: one deadline, one request, and a verdict that hangs on the first byte."""

from __future__ import annotations

import logging
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bot.errors import LostLease, OutcomeUnknown, Rejected, Transient
from bot.i18n import msg
from bot.net import Answer, Net
from tests.posters.contract import CANARY, Resolver, TestClock

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: 1\r\nX-A: 2\r\n\r\n{}"


class TickingClock(TestClock):
    """A second passes at every look at it."""

    def steady(self) -> float:
        self.passed += 1
        return self.passed


@contextmanager
def server(behave: Callable[[socket.socket], None]) -> Iterator[str]:
    """A socket on which `behave` handles one connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(10)
            behave(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    thread.join(10)
    listener.close()


def read_head(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(1024)
    return data


def until_gone(connection: socket.socket) -> None:
    try:
        while connection.recv(65536):
            pass
    except OSError:
        pass


def answer_with(data: bytes) -> Callable[[socket.socket], None]:
    def behave(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(data)

    return behave


def test_an_answer() -> None:
    with server(answer_with(OK)) as base:
        answer = Net(5, TestClock()).request("GET", base + "/a")
    assert (answer.status, answer.headers["x-a"], answer.json()) == (200, "1, 2", {})


def test_the_request_says_who_asks_and_wants_no_second() -> None:
    seen = []

    def behave(connection: socket.socket) -> None:
        seen.append(read_head(connection).decode())
        connection.sendall(OK)

    with server(behave) as base:
        Net(5, TestClock(), about="https://blog.example/").request("GET", base, params={"q": "日"})
    assert "GET /?q=%E6%97%A5 HTTP/1.1" in seen[0]
    assert "(+https://blog.example/)" in seen[0]
    assert "Connection: close" in seen[0]


def test_surrogates_in_json_do_not_break_the_call() -> None:
    bodies = []

    def behave(connection: socket.socket) -> None:
        data = read_head(connection)
        bodies.append(data if b"{" in data else connection.recv(1000))
        connection.sendall(OK)

    with server(behave) as base:
        Net(5, TestClock()).request("POST", base, json={"text": "日\ud800"})
    assert '{"text": "日?"}'.encode() in bodies[0]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\0\0\0garbage\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
    ],
)
def test_what_is_no_answer_is_unknown(data: bytes) -> None:
    with server(answer_with(data)) as base, pytest.raises(OutcomeUnknown):
        Net(5, TestClock()).request("POST", base, json={})


def test_an_answer_without_end_is_cut_off() -> None:
    def behave(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                connection.sendall(b"x" * 1000)
        except OSError:
            pass

    with server(behave) as base, pytest.raises(OutcomeUnknown, match="too long"):
        Net(5, TestClock(), body_cap=5000).request("GET", base)


def test_one_deadline_for_the_whole_call() -> None:
    """A server that sends a byte now and then does not get a new time-out for each."""

    def behave(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n")
        try:
            while True:
                connection.sendall(b"x")
        except OSError:
            pass

    with server(behave) as base, pytest.raises(OutcomeUnknown, match="in time"):
        Net(30, TickingClock()).request("GET", base)


def test_the_deadline_holds_while_a_name_is_looked_up() -> None:
    released = threading.Event()

    def slow(host: str, port: int) -> list[Any]:
        released.wait(10)
        return []

    with pytest.raises(Transient, match="in time"):
        Net(0.05, TestClock(), resolve=slow).request("GET", "http://blog.example/")
    released.set()


def test_a_call_that_was_given_up_leaves_nothing_in_the_kernel() -> None:
    """The connection is reset: what waits in the send buffer must not arrive minutes later."""
    given_up, ended = threading.Event(), []

    def behave(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        given_up.wait(10)
        try:
            while connection.recv(65536):
                pass
            ended.append("closed")
        except ConnectionResetError:
            ended.append("reset")

    with server(behave) as base:
        with pytest.raises(OutcomeUnknown):
            Net(0.1, TestClock()).request("POST", base, content=b"x" * 20_000_000)
        given_up.set()
    assert ended == ["reset"]


def test_an_early_answer_is_read_though_the_body_was_not_taken() -> None:
    """A server may answer 413 and close while the body is still being sent."""
    answer = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    def behave(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_WR)
        until_gone(connection)

    with server(behave) as base:
        got = Net(5, TestClock()).request("POST", base, content=b"x" * 1_000_000)
    assert got.status == 413


def test_the_guard_is_asked_after_connecting_and_before_the_first_byte() -> None:
    order: list[str] = []

    def behave(connection: socket.socket) -> None:
        order.append("connected")
        read_head(connection)
        order.append("read")
        connection.sendall(OK)

    with server(behave) as base:
        Net(5, TestClock()).request("POST", base, json={}, guard=lambda: order.append("guard"))
    assert order.index("guard") < order.index("read")
    assert order.count("guard") == 1


def test_a_guard_that_says_no_sends_nothing() -> None:
    seen: list[bytes] = []

    def no() -> None:
        raise LostLease(msg("lost"))

    def behave(connection: socket.socket) -> None:
        try:
            seen.append(connection.recv(10))
        except ConnectionResetError:
            seen.append(b"")

    with server(behave) as base, pytest.raises(LostLease):
        Net(5, TestClock()).request("POST", base, json={}, guard=no)
    assert seen == [b""]


def test_a_guard_is_not_asked_where_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    asked: list[int] = []
    with pytest.raises(Transient, match="refuses"):
        Net(5, TestClock()).request(
            "POST", f"http://127.0.0.1:{port}/", guard=lambda: asked.append(1)
        )
    assert asked == []


def test_the_next_address_is_tried_when_one_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = listener.getsockname()[1]
    with server(answer_with(OK)) as base:
        port = int(base.rsplit(":", 1)[1])

        def resolve(host: str, _port: int) -> list[Any]:
            kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
            return [(*kind, ("127.0.0.1", closed)), (*kind, ("127.0.0.1", port))]

        net = Net(5, TestClock(), resolve=resolve)
        assert net.request("GET", "http://blog.example/").status == 200


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.1.1", "::1", "fe80::1%eth0", "0.0.0.0"],
)
def test_what_a_stranger_names_must_not_lead_inside(address: str) -> None:
    def resolve(host: str, port: int) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    net = Net(5, TestClock(), resolve=resolve)
    with pytest.raises(Transient, match="not a public one"):
        net.request("GET", "https://pds.example/", public=True)


def test_a_name_without_an_address_is_not_sent() -> None:
    with pytest.raises(Transient, match="not known"):
        Net(5, TestClock(), resolve=lambda host, port: []).request("GET", "http://blog.example/")


def test_a_server_without_tls_is_not_sent() -> None:
    def behave(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with server(behave) as base, pytest.raises(Transient, match="secure"):
        Net(5, TestClock()).request("POST", base.replace("http:", "https:"), json={})


def test_a_certificate_that_nobody_trusts_is_not_sent() -> None:
    assert Net(5, TestClock())._tls_context().verify_mode is ssl.CERT_REQUIRED
    assert Net(5, TestClock())._tls_context().check_hostname


@pytest.mark.parametrize(
    "url",
    [
        "",
        "blog.example",
        "ftp://blog.example/",
        "http://",
        "http://[::1",
        "http://a b/",
        "https://x:99999/",
    ],
)
def test_an_address_that_is_none(url: str) -> None:
    resolver = Resolver()
    with pytest.raises(Rejected):
        Net(5, TestClock(), resolve=resolver).request("GET", url)
    assert resolver.asked == set()


def test_a_header_that_cannot_be_sent_tells_no_secret() -> None:
    with server(until_gone) as base, pytest.raises((Rejected, Transient)) as caught:
        Net(5, TestClock()).request(
            "GET", base, headers={"Authorization": f"Bearer {CANARY}\r\nX: 1"}
        )
    assert CANARY not in f"{caught.value} {caught.value!r}"


def test_a_redirect_is_an_answer() -> None:
    data = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with server(answer_with(data)) as base:
        assert Net(5, TestClock()).request("POST", base, json={}).status == 302


def test_the_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://proxy.example:8080")
    resolver = Resolver()
    with server(answer_with(OK)) as base:
        Net(5, TestClock(), resolve=resolver).request("GET", base)
    assert resolver.asked == {"127.0.0.1"}


def test_no_secret_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    data = OK.replace(b"X-A: 1", b"Set-Cookie: " + CANARY.encode())
    with server(answer_with(data)) as base:
        net = Net(5, TestClock())
        answer = net.request(
            "POST",
            f"{base}/?token={CANARY}",
            headers={"Authorization": CANARY},
            form={"secret": CANARY},
        )
    assert CANARY not in caplog.text + repr(answer) + repr(net)


def test_json_that_is_none() -> None:
    for body in (b"", b"<html>", b"\xff\xfe", b"[" * 100_000, b"nul"):
        assert Answer(200, {}, body).json() is None


def test_a_reset_before_the_request_is_read_is_unknown() -> None:
    def behave(connection: socket.socket) -> None:
        read_head(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with server(behave) as base, pytest.raises(OutcomeUnknown):
        Net(5, TestClock()).request("POST", base, json={})
