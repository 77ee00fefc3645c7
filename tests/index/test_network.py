"""Sockets: TLS and its trust, proxies, connections that are used again."""

import gc
import random
import socket
import ssl
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import pytest

from envkit.errors import TransportError
from envkit.index.bounds import Timeouts
from envkit.index.http11 import HttpTransport
from envkit.index.transport import Request
from envkit.testing.loopback import LoopbackAnswer, LoopbackIndex
from envkit.testing.loopback_http import serve_connection
from envkit.testing.wheels import wheel_bytes

FILES = {**dict([wheel_bytes("demo", "1.0")]), **dict([wheel_bytes("other", "1.0")])}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an authority, a certificate of localhost, and one of a client."""
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*arguments: str) -> None:
        done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True)
        if done.returncode:
            pytest.fail(done.stderr)

    openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        "-days",
        "2",
        "-subj",
        "/CN=test ca",
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",  # Python 3.13 trusts no authority that does not say so
    )
    for name in ("localhost", "client"):
        openssl(
            "req",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            f"{name}.key",
            "-out",
            f"{name}.csr",
            "-subj",
            f"/CN={name}",
        )
        (folder / "ext").write_text(f"subjectAltName=DNS:{name}\nauthorityKeyIdentifier=keyid\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                "-extfile", "ext", "-out", f"{name}.pem")  # fmt: skip
    return folder


class Relay:
    """Accept connections and hand each to a function in a thread."""

    def __init__(self, serve: Any) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.serve = serve
        self.accepted = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._run, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.close()

    def _run(self) -> None:
        with suppress(OSError):
            while True:
                sock = self.listener.accept()[0]
                self.accepted += 1
                threading.Thread(target=self._one, args=(sock,), daemon=True).start()

    def _one(self, sock: socket.socket) -> None:
        with suppress(OSError, ssl.SSLError), sock:
            self.serve(sock)


def tls_relay(index: LoopbackIndex, authority: Path, *, client: bool = False) -> Relay:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "localhost.pem", authority / "localhost.key")
    if client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority / "ca.pem")

    def serve(sock: socket.socket) -> None:
        with context.wrap_socket(sock, server_side=True) as wrapped:
            serve_connection(wrapped, index.answer)

    return Relay(serve)


def pump(one: socket.socket, two: socket.socket) -> None:
    def copy(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    other = threading.Thread(target=copy, args=(two, one), daemon=True)
    other.start()
    copy(one, two)
    other.join(5)


def read_head(sock: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += sock.recv(1)
    return head


def use(client: Any) -> None:
    for name in ("demo", "other"):
        client.fetch(client.project(name).artifacts[0])


def test_ones_own_authority(make_client: Any, authority: Path) -> None:
    index = LoopbackIndex(FILES)
    with tls_relay(index, authority) as relay:
        url = f"https://localhost:{relay.port}/simple/"
        use(make_client(url, ca_file=str(authority / "ca.pem")))
        assert relay.accepted <= 2


@pytest.mark.parametrize("case", ["unknown authority", "wrong host", "no such file"])
def test_trust_that_is_missing(make_client: Any, authority: Path, case: str) -> None:
    index = LoopbackIndex(FILES)
    with tls_relay(index, authority) as relay:
        host = "127.0.0.1" if case == "wrong host" else "localhost"
        ca_file = {
            "unknown authority": None,
            "wrong host": authority / "ca.pem",
            "no such file": authority / "none.pem",
        }[case]
        client = make_client(f"https://{host}:{relay.port}/simple/", ca_file=ca_file and str(ca_file))
        with pytest.raises(
            TransportError, match="cannot be read" if case == "no such file" else "not trusted"
        ) as caught:
            client.project("demo")
        assert caught.value.context["attempts"] == 0
    assert index.requests == []


def test_a_trusted_host_needs_no_valid_certificate(make_client: Any, authority: Path) -> None:
    with tls_relay(LoopbackIndex(FILES), authority) as relay:
        use(make_client(f"https://localhost:{relay.port}/simple/", trusted_hosts=("localhost",)))


def test_a_client_certificate(make_client: Any, authority: Path) -> None:
    pair = (str(authority / "client.pem"), str(authority / "client.key"))
    with tls_relay(LoopbackIndex(FILES), authority, client=True) as relay:
        url = f"https://localhost:{relay.port}/simple/"
        with pytest.raises(TransportError):
            make_client(url, ca_file=str(authority / "ca.pem")).project("demo")
        use(make_client(url, ca_file=str(authority / "ca.pem"), client_cert=pair))
        with pytest.raises(TransportError, match="client certificate"):
            make_client(url, client_cert=str(authority / "none.pem"), refresh=True).project("demo")


def test_a_key_behind_a_passphrase_is_an_error_and_no_question(make_client: Any, authority: Path) -> None:
    locked = authority / "locked.key"
    command = ["openssl", "rsa", "-in", "client.key", "-aes256", "-passout", "pass:x", "-out", locked.name]
    subprocess.run(command, cwd=authority, check=True, capture_output=True)
    pair = (str(authority / "client.pem"), str(locked))
    with (
        tls_relay(LoopbackIndex(FILES), authority, client=True) as relay,
        pytest.raises(TransportError, match="client certificate"),
    ):
        make_client(f"https://localhost:{relay.port}/simple/", client_cert=pair).project("demo")


def test_authorities_in_a_folder(make_client: Any, authority: Path, tmp_path: Path) -> None:
    shown = subprocess.run(
        ["openssl", "x509", "-hash", "-noout", "-in", authority / "ca.pem"], check=True, capture_output=True, text=True
    )
    (tmp_path / f"{shown.stdout.strip()}.0").write_bytes((authority / "ca.pem").read_bytes())
    with tls_relay(LoopbackIndex(FILES), authority) as relay:
        use(make_client(f"https://localhost:{relay.port}/simple/", ca_file=str(tmp_path)))


def test_large_files_over_tls(make_client: Any, authority: Path) -> None:
    name, data = wheel_bytes("large", "1.0", files={"noise.bin": random.Random(2).randbytes(3_000_000)})
    with tls_relay(LoopbackIndex({name: data}), authority) as relay:
        url = f"https://localhost:{relay.port}/simple/"
        client = make_client(url, ca_file=str(authority / "ca.pem"), timeouts=Timeouts())
        assert client.fetch(client.project("large").artifacts[0]).read_bytes() == data
        assert relay.accepted == 1


def test_https_never_leads_to_http(make_client: Any, authority: Path) -> None:
    with LoopbackIndex(FILES) as plain:
        index = LoopbackIndex(
            hook=lambda request: LoopbackAnswer(status=302, headers={"Location": plain.root + request.path})
        )
        with tls_relay(index, authority) as relay:
            client = make_client(f"https://localhost:{relay.port}/simple/", ca_file=str(authority / "ca.pem"))
            with pytest.raises(TransportError, match="https to http"):
                client.project("demo")
        assert plain.requests == []


def http_proxy(log: list[bytes], status: bytes = b"200 Connection established") -> Relay:
    def serve(sock: socket.socket) -> None:
        head = read_head(sock)
        log.append(head)
        method, target = head.split(b" ", 2)[:2]
        if method == b"CONNECT":
            sock.sendall(b"HTTP/1.1 " + status + b"\r\nX-Proxy: yes\r\n\r\n")
            if not status.startswith(b"2"):
                return
            with socket.create_connection(("127.0.0.1", int(target.rpartition(b":")[2]))) as upstream:
                pump(sock, upstream)
        else:
            port = int(target.split(b"/", 3)[2].rpartition(b":")[2])
            with socket.create_connection(("127.0.0.1", port)) as upstream:
                upstream.sendall(head)
                pump(sock, upstream)

    return Relay(serve)


def test_http_through_a_proxy(make_client: Any) -> None:
    log: list[bytes] = []
    with LoopbackIndex(FILES) as index, http_proxy(log) as proxy:
        use(make_client(index.url, env={"HTTP_PROXY": f"http://me:secret@127.0.0.1:{proxy.port}"}))
        assert log[0].startswith(f"GET {index.url}demo/ HTTP/1.1".encode())
        assert b"Proxy-Authorization: Basic bWU6c2VjcmV0" in log[0]
        before = len(log)
        use(make_client(index.url, env={"HTTP_PROXY": "http://127.0.0.1:1", "NO_PROXY": "127.0.0.1"}, refresh=True))
        assert len(log) == before


def test_https_through_a_proxy(make_client: Any, authority: Path) -> None:
    log: list[bytes] = []
    index = LoopbackIndex(FILES)
    with tls_relay(index, authority) as relay, http_proxy(log) as proxy:
        url = f"https://localhost:{relay.port}/simple/"
        client = make_client(url, proxy=f"http://me:secret@127.0.0.1:{proxy.port}", ca_file=str(authority / "ca.pem"))
        use(client)
        assert log[0].startswith(f"CONNECT localhost:{relay.port} HTTP/1.1".encode())
        assert b"Proxy-Authorization: Basic bWU6c2VjcmV0" in log[0]
    assert all("proxy-authorization" not in request.headers for request in index.requests)


def test_a_proxy_that_refuses(make_client: Any) -> None:
    with http_proxy([], b"407 Proxy Authentication Required") as proxy:
        client = make_client("https://index.example/simple/", proxy=f"http://me:secret@127.0.0.1:{proxy.port}")
        with pytest.raises(TransportError, match="407") as caught:
            client.project("demo")
        assert "secret" not in str(caught.value.to_dict())


@pytest.mark.parametrize("user", ["", "me:secret@"])
def test_a_socks_proxy(make_client: Any, user: str) -> None:
    log: list[str] = []

    def serve(sock: socket.socket) -> None:
        methods = sock.recv(2)
        offered = sock.recv(methods[1])
        sock.sendall(b"\x05\x02" if 2 in offered else b"\x05\x00")
        if 2 in offered:
            sock.recv(1)
            name = sock.recv(sock.recv(1)[0])
            log.append(f"{name.decode()}:{sock.recv(sock.recv(1)[0]).decode()}")
            sock.sendall(b"\x01\x00")
        kind = sock.recv(4)[3]
        host = sock.recv(4) if kind == 1 else sock.recv(sock.recv(1)[0])
        port = int.from_bytes(sock.recv(2), "big")
        log.append(host.decode() if kind == 3 else socket.inet_ntoa(host))
        with socket.create_connection(("127.0.0.1", port)) as upstream:
            sock.sendall(b"\x05\x00\x00\x01" + bytes(6))
            pump(sock, upstream)

    with LoopbackIndex(FILES) as index, Relay(serve) as proxy:
        url = index.url.replace("127.0.0.1", "localhost")
        use(make_client(url, proxy=f"socks5h://{user}127.0.0.1:{proxy.port}"))
        assert log[: 1 + bool(user)] == ([user[:-1]] if user else []) + ["localhost"]


@pytest.mark.parametrize("proxy", ["gopher://127.0.0.1:1", "http://[broken", "https://127.0.0.1:1"])
def test_proxies_that_cannot_be_used(make_client: Any, proxy: str) -> None:
    with pytest.raises(TransportError):
        make_client("https://index.example/simple/", proxy=proxy).project("demo")


def test_connections_are_used_again(make_client: Any) -> None:
    with LoopbackIndex(FILES) as index:
        client = make_client(index.url)
        for name in ("demo", "other"):
            artifact = client.project(name).artifacts[0]
            client.metadata(artifact)
            client.fetch(artifact)
        assert (len(index.requests), index.connections) == (6, 1)


def test_a_connection_that_went_stale_is_replaced_without_a_word(make_client: Any) -> None:
    events: list[Any] = []
    from envkit.events import Emitter, RequestRetried

    with LoopbackIndex(FILES) as index:
        client = make_client(index.url, emitter=Emitter(events.append))
        client.project("demo")
        index.close_connections()
        client.project("other")
    assert not [event for event in events if isinstance(event, RequestRetried)]


def test_a_transport_that_is_dropped_leaves_no_connection() -> None:
    with LoopbackIndex(FILES) as index:
        transport: Any = HttpTransport()
        response: Any = transport.send(Request(url=f"{index.url}demo/", deadline=time.monotonic() + 60))
        sock = response._clocked.sock
        while response.read(65536):
            pass
        transport.own = transport  # a circle, which only the collector takes apart
        assert sock.fileno() != -1
        del transport, response
        gc.collect()
        assert sock.fileno() == -1


def test_nobody_listens(make_client: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(TransportError, match="cannot connect"):
        make_client(f"http://127.0.0.1:{port}/simple/").project("demo")
    with pytest.raises(TransportError, match="resolved"):
        make_client("https://no-such-host.invalid/simple/").project("demo")
