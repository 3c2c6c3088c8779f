"""A small Badge Connect host on loopback for tests: right by default, wrong where a test says so.

Written from the digest alone. Its authorization server is that of the scripted provider of CLR 1.0.
"""

from __future__ import annotations

from typing import Any

from tests.exchange.clr1.scripted_provider import Answer, Asked, ScriptedProvider

SCOPE = "https://purl.imsglobal.org/spec/ob/v2p1/scope/"
SCOPES = [*(SCOPE + name for name in ("assertion.readonly", "assertion.create", "profile.readonly")), "offline_access"]
MANIFEST = "/.well-known/badgeconnect.json"
BADGES = "/ims/ob/v2p1/assertions"
TAG = '"one"'


def envelope(status: int, text: str, error: str | None = None, **members: Any) -> Answer:
    """An answer in the standard's form."""
    made = Answer(status, {"status": {"error": error, "statusCode": status, "statusText": text}, **members})
    if status == 401:
        made.headers["WWW-Authenticate"] = "Bearer"
    return made


class ScriptedHost(ScriptedProvider):
    """`badges` is what it lists; `emails` who its user is."""

    def __init__(self) -> None:
        super().__init__()
        self.badges: list[str | dict[str, Any]] = []
        self.emails = ["ada@students.example"]
        self.replies |= {
            ("GET", MANIFEST): self.manifest,
            ("GET", BADGES): self.listing,
            ("POST", BADGES): self.take,
            ("PUT", BADGES): lambda asked: envelope(405, "METHOD_NOT_ALLOWED", "No."),
            ("GET", "/ims/ob/v2p1/profile"): self.profile,
            ("POST", "/ims/ob/v2p1/profile"): lambda asked: (
                self.refusal(asked, "profile.update") or envelope(200, "OK")
            ),
            ("GET", "/ims/ob/v2p1/no-such-thing"): lambda asked: envelope(404, "NOT_FOUND", "No."),
        }

    def entry(self) -> dict[str, Any]:
        """Its one API."""
        return {
            "name": "Badge Bay",
            "apiBase": f"{self.address}/ims/ob/v2p1",
            "version": "v2p1",
            "termsOfServiceUrl": f"{self.address}/terms",
            "privacyPolicyUrl": f"{self.address}/privacy",
            "scopesOffered": SCOPES,
            "registrationUrl": f"{self.address}/oauth/register",
            "authorizationUrl": f"{self.address}/oauth/authorize",
            "tokenUrl": f"{self.address}/oauth/token",
            "tokenRevocationUrl": f"{self.address}/oauth/revoke",
        }

    def manifest(self, asked: Asked) -> Answer:
        if asked.headers.get("if-none-match") == TAG:
            return Answer(304, b"")
        said = {"id": f"{self.address}{MANIFEST}", "badgeConnectAPI": [self.entry()]}
        return Answer(200, said, {"ETag": TAG, "Cache-Control": "max-age=60"})

    def register(self, asked: Asked) -> Answer:
        made = super().register(asked)
        made.body["scope"] = " ".join(SCOPES)
        made.headers["Pragma"] = "no-cache"
        return made

    def refusal(self, asked: Asked, scope: str) -> Answer | None:
        held = self.access.get(asked.headers.get("authorization", "").removeprefix("Bearer "))
        if held is None:
            return envelope(401, "UNAUTHENTICATED", "Who is it?")
        return None if SCOPE + scope in held.split() else envelope(401, "PERMISSION_DENIED", "No.")

    def listing(self, asked: Asked) -> Answer:
        refused = self.refusal(asked, "assertion.readonly")
        if refused:
            return refused
        limit, offset = asked.query.get("limit", "50"), asked.query.get("offset", "0")
        if not (limit.isdigit() and int(limit) and offset.isdigit()) or "yesterday" in asked.query.get("since", ""):
            return envelope(400, "REQUEST_VALIDATION_ERROR", "No.")
        held = [] if asked.query.get("since", "").startswith("2999") else self.badges
        first, size = int(offset), int(limit)
        shown = held[first : first + size]
        made = envelope(
            200, "OK", assertions=[each for each in shown if isinstance(each, dict)],
            signedAssertions=[each for each in shown if isinstance(each, str)],
        )  # fmt: skip
        ends = {"first": 0, "last": max(0, (len(held) - 1) // size * size)}
        ends |= {"next": first + size} if first + size < len(held) else {}
        ends |= {"prev": max(0, first - size)} if first else {}
        base = f"{self.address}{BADGES}"
        made.headers["Link"] = ", ".join(f'<{base}?limit={size}&offset={at}>; rel="{rel}"' for rel, at in ends.items())
        made.headers["X-Total-Count"] = str(len(held))
        return made

    def take(self, asked: Asked) -> Answer:
        refused = self.refusal(asked, "assertion.create")
        if refused:
            return refused
        self.posted.append(asked.json)
        return envelope(200, "OK")

    def profile(self, asked: Asked) -> Answer:
        refused = self.refusal(asked, "profile.readonly")
        said = {"@context": "https://w3id.org/openbadges/v2", "id": "urn:x", "type": "Profile", "email": self.emails}
        return refused or envelope(200, "OK", profile=said)
