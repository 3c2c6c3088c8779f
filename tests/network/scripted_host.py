"""A host on loopback that answers each path as a test says, over TLS or plain."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress

HOST = "records.issuer.example"
PUBLIC = "93.184.215.14"

Answer = Callable[[socket.socket, str], None]


class ScriptedHost:
    """Answers each path by a function; keeps the heads of the requests it was sent."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self.requests: list[str] = []
        self.server_names: list[str | None] = []
        self.answers: dict[str, Answer] = {}
        self._tls = tls
        if tls is not None:
            tls.sni_callback = lambda _connection, name, _context: self.server_names.append(name)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with suppress(OSError):
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            head = b""
            while b"\r\n\r\n" not in head:
                more = connection.recv(4096)
                if not more:
                    return
                head += more
            head, _, body = head.partition(b"\r\n\r\n")
            said = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
            while said and len(body) < int(said[1]):
                body += connection.recv(4096)
            head += b"\r\n"
            self.requests.append(head.decode("latin-1"))
            path = head.split(b" ")[1].decode()
            self.answers.get(path, says(b"{}", status="404 Not Found"))(connection, path)
            connection.close()

    def close(self) -> None:
        self._listener.close()


def says(body: bytes, *, status: str = "200 OK", content_type: str = "application/json", **headers: str) -> Answer:
    """An answer with this body; keyword `cache_control` becomes the header Cache-Control."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return lambda connection, _: connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def leads_to(location: str, status: str = "302 Found") -> Answer:
    """A redirect."""
    return says(b"", status=status, location=location)
