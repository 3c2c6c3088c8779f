"""A small CLR 1.0 provider on loopback for tests: right by default, wrong where a test says so.

Written from the digest alone and sharing nothing with the portal's own provider. A test changes `faults` or replaces
an answer; `requests` holds what was asked.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlsplit

CONTEXT = "https://purl.imsglobal.org/spec/clr/v1p0/context/clr_v1p0.jsonld"
SCOPE = "https://purl.imsglobal.org/spec/clr/v1p0/scope/"


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    """One answer; `body` may be JSON or bytes."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


Reply = Callable[[Asked], Answer]


class ScriptedProvider:
    """`address` is what a learner would type; `path` a folder that the provider lives in."""

    def __init__(self, path: str = "") -> None:
        self.requests: list[Asked] = []
        self.faults: set[str] = set()
        self.replies: dict[tuple[str, str], Reply] = {}
        self.records: list[str | dict[str, Any]] = []
        self.clients: dict[str, dict[str, Any]] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.access: dict[str, str] = {}
        self.refreshes: dict[str, str] = {}
        self.posted: list[Any] = []
        self.page_size: int | None = None
        self.lasts: int = 3600
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
                size = int(self.headers.get("Content-Length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, parts.path, query, headers, self.rfile.read(size))
                provider.requests.append(asked)
                answer = provider.answer(asked)
                body = answer.body if isinstance(answer.body, bytes) else b""
                if not isinstance(answer.body, bytes | None):
                    body = json.dumps(answer.body).encode()
                self.send_response(answer.status)
                if answer.status != 304:
                    answer.headers.setdefault("Content-Type", "application/json")
                    answer.headers.setdefault("Content-Length", str(len(body)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if answer.status != 304:
                    self.wfile.write(body)

            do_GET = do_POST = do_DELETE = do_PUT = do_HEAD = do_OPTIONS = handle_any

            def log_message(self, *arguments: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.authority = f"127.0.0.1:{self.server.server_address[1]}"
        self.top = f"http://{self.authority}"
        self.address = self.top + path
        self.base = f"{self.address}/ims/clr/v1p0"
        self.path = path
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def asked(self, method: str, end: str) -> list[Asked]:
        """The requests of a method to paths with this end."""
        return [one for one in self.requests if one.method == method and one.path.endswith(end)]

    # --- answers ---------------------------------------------------------------------------------

    def answer(self, asked: Asked) -> Answer:
        below = asked.path.removeprefix(self.path)
        reply = self.replies.get((asked.method, below))
        if reply is not None:
            return reply(asked)
        usual: dict[tuple[str, str], Reply] = {
            ("GET", "/ims/clr/v1p0/discovery"): self.discovery,
            ("POST", "/oauth/register"): self.register,
            ("POST", "/oauth/token"): self.token,
            ("POST", "/oauth/revoke"): self.revoke,
            ("GET", "/ims/clr/v1p0/clrs"): self.clrs,
            ("POST", "/ims/clr/v1p0/clrs"): self.post,
        }
        if asked.path == "/.well-known/oauth-authorization-server":
            return self.metadata(asked)
        reply = usual.get((asked.method, below))
        return reply(asked) if reply else status_info(404, "unknown")

    def document(self) -> dict[str, Any]:
        return {
            "@context": CONTEXT,
            "name": "Pinehurst Community College",
            "authorizationUrl": f"{self.address}/oauth/authorize",
            "registrationUrl": f"{self.address}/oauth/register",
            "tokenUrl": f"{self.address}/oauth/token",
            "privacyPolicyUrl": f"{self.address}/privacy",
            "termsOfServiceUrl": f"{self.address}/terms",
            "scopesOffered": [SCOPE + "readonly", SCOPE + "replace"],
        }

    def discovery(self, asked: Asked) -> Answer:
        return Answer(200, self.document())

    def metadata(self, asked: Asked) -> Answer:
        if "no metadata" in self.faults:
            return Answer(404, b"")
        return Answer(
            200,
            {
                "issuer": self.top,
                "authorization_endpoint": f"{self.address}/oauth/authorize",
                "token_endpoint": f"{self.address}/oauth/token",
                "revocation_endpoint": f"{self.address}/oauth/revoke",
                "authorization_response_iss_parameter_supported": True,
            },
        )

    def register(self, asked: Asked) -> Answer:
        client = {
            **asked.json,
            "client_id": f"client-{secrets.token_hex(4)}",
            "client_secret": secrets.token_urlsafe(32),
            "client_id_issued_at": 1,
            "client_secret_expires_at": 0,
            "scope": f"{SCOPE}readonly {SCOPE}replace offline_access",
        }
        self.clients[client["client_id"]] = client
        return Answer(201, client, {"Cache-Control": "no-store"})

    def consent(self, address: str, *, deny: bool = False) -> dict[str, str]:
        """What the browser brings back after the learner agreed at an authorization address."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert query["response_type"] == "code" and query["code_challenge_method"] == "S256"
        assert query["redirect_uri"] in self.clients[query["client_id"]]["redirect_uris"]
        if deny:
            return {"error": "access_denied", "state": query["state"], "iss": self.top}
        code = secrets.token_urlsafe(32)
        self.codes[code] = query
        return {"code": code, "state": query["state"], "iss": self.top}

    def token(self, asked: Asked) -> Answer:
        scheme, _, pair = asked.headers.get("authorization", "").partition(" ")
        name, _, secret = base64.b64decode(pair or b"").decode().partition(":")
        client = self.clients.get(unquote_plus(name))
        if scheme != "Basic" or client is None or client["client_secret"] != unquote_plus(secret):
            return Answer(401, {"error": "invalid_client"}, {"WWW-Authenticate": "Basic"})
        form = asked.form
        if form.get("grant_type") == "authorization_code":
            query = self.codes.pop(form["code"], None)
            challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
            if query is None or query["code_challenge"] != challenge.decode():
                return Answer(400, {"error": "invalid_grant"})
            if query["redirect_uri"] != form["redirect_uri"]:
                return Answer(400, {"error": "invalid_grant"})
            scope = query["scope"]
        else:
            scope = self.refreshes.pop(form.get("refresh_token", ""), "")
            if not scope:
                return Answer(400, {"error": "invalid_grant"})
        access, refresh = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        self.access[access] = scope
        given = {"access_token": access, "token_type": "Bearer", "expires_in": self.lasts, "scope": scope}
        if "offline_access" in scope.split():
            self.refreshes[refresh] = scope
            given["refresh_token"] = refresh
        return Answer(200, given, {"Cache-Control": "no-store"})

    def revoke(self, asked: Asked) -> Answer:
        self.access.pop(asked.form["token"], None)
        self.refreshes.pop(asked.form["token"], None)
        return Answer(200, b"")

    def may(self, asked: Asked, scope: str) -> Answer | None:
        held = self.access.get(asked.headers.get("authorization", "").removeprefix("Bearer "))
        if held is None:
            return status_info(401, "unauthorizedrequest")
        return None if SCOPE + scope in held.split() else status_info(403, "forbidden")

    def clrs(self, asked: Asked) -> Answer:
        refusal = self.may(asked, "readonly")
        if refusal:
            return refusal
        size = self.page_size if self.page_size is not None else len(self.records) or 1
        first = int(asked.query.get("offset", 0))
        shown = self.records[first : first + size]
        headers = {"X-Total-Count": str(len(self.records))}
        if first + size < len(self.records):
            headers["Link"] = (
                f'<{self.base}/clrs?offset=0>; rel="first", <{self.base}/clrs?offset={first + size}>; rel="next"'
            )
        body = {
            "@context": CONTEXT,
            "type": "ClrSet",
            "clrs": [one for one in shown if isinstance(one, dict)],
            "signedClrs": [one for one in shown if isinstance(one, str)],
        }
        return Answer(200, body, headers)

    def post(self, asked: Asked) -> Answer:
        refusal = self.may(asked, "replace")
        if refusal:
            return refusal
        self.posted.append(asked.json)
        return Answer(201, asked.json, {"Location": f"{self.base}/clrs/1"})


def status_info(status: int, minor: str, said: str = "No.") -> Answer:
    """An error in the standard's form."""
    field = {"imsx_codeMinorFieldName": "provider", "imsx_codeMinorFieldValue": minor}
    return Answer(
        status,
        {
            "@context": CONTEXT,
            "imsx_codeMajor": "failure",
            "imsx_severity": "error",
            "imsx_description": said,
            "imsx_codeMinor": {"imsx_codeMinorField": [field]},
        },
    )
