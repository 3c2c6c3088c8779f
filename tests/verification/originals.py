"""What is changed in the fuzzing: records of every format, from the samples and from a small world."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from apps.standards import dids
from apps.standards.baking import png, svg
from apps.standards.proofs import data_integrity
from apps.standards.verify.engine import verify
from apps.standards.verify.sources import Budget, Fetched, Fetcher
from apps.standards.verify.verdict import Result
from tests.standards.baking.test_pdf import document as pdf_with
from tests.standards.verify import vc_world
from tests.standards.verify.manifest import NOW, cases
from tests.standards.verify.world import Institution, World

COLLECTIONS = ("clr-1.0", "ob-2.0", "ob-3.0", "clr-2.0")
DRAWING = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"><path d="M0 0"/></svg>'
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Listening:
    """A fetcher that remembers what it gave."""

    def __init__(self, inner: Fetcher) -> None:
        self.inner = inner
        self.given: list[bytes] = []

    def fetch(self, url: str, *, kind: str) -> Any:
        answer = self.inner.fetch(url, kind=kind)
        self.given.append(answer.body)
        return answer


class Changed:
    """A web in which what stands at one address is different."""

    def __init__(self, inner: Fetcher, change: Callable[[bytes], bytes], turn: int, status: int) -> None:
        self.inner = inner
        self.change = change
        self.turn = turn
        self.status = status
        self.asked = 0

    def fetch(self, url: str, *, kind: str) -> Any:
        answer = self.inner.fetch(url, kind=kind)
        self.asked += 1
        if self.asked != self.turn:
            return answer
        return Fetched(self.status, answer.content_type, self.change(answer.body), url)


@dataclass(frozen=True)
class Original:
    """One input, the web it lives in, and, of those made here, how its issuer would sign another content."""

    name: str
    format: str
    source: bytes
    web: Callable[[], Fetcher]
    now: datetime = NOW
    recipients: tuple[str, ...] = ()
    sign: Callable[[Any], bytes] | None = field(default=None, repr=False)

    def judge(self, source: bytes, web: Fetcher | None = None) -> Result:
        """The verdict about this or a changed input, in the same web at the same time."""
        return verify(
            source,
            fetcher=web or self.web(),
            now=self.now,
            expected_recipients=self.recipients,
            budget=Budget(),
        )

    @cached_property
    def result(self) -> Result:
        """What comes of it unchanged."""
        return self.judge(self.source)


def all_originals(shared: Path) -> dict[str, list[Original]]:
    """By format: every sample, and what the small world issues."""
    found: dict[str, list[Original]] = {}
    for original in [*_samples(shared), *_made()]:
        found.setdefault(original.format, []).append(original)
    return found


def _samples(shared: Path) -> Iterator[Original]:
    for collection in COLLECTIONS:
        for case in cases(shared, collection):
            kind = case.entry["input"]
            moment = case.entry.get("now")
            yield Original(
                name=f"{collection}/{case.id}",
                format=kind if kind in ("png", "svg") else f"{collection} {kind}",
                source=case.source,
                web=case.fetcher,
                now=datetime.fromisoformat(moment) if moment else NOW,
                recipients=tuple(case.expected_recipients),
            )


def _made() -> Iterator[Original]:
    world = World()

    def made(name: str, format: str, source: bytes, sign: Callable[[Any], bytes] | None = None) -> Original:
        return Original(f"made/{name}", format, source, lambda: world, sign=sign)

    college = Institution(world, "records.college.example", "College")
    other = Institution(world, "badges.other.example", "Other")
    endorsement = {
        "@context": "https://purl.imsglobal.org/spec/clr/v1p0/context/clr_v1p0.jsonld",
        "id": "urn:uuid:e",
        "type": "Endorsement",
        "issuedOn": "2026-07-01T00:00:00Z",
        "claim": {"id": college.id},
        "issuer": other.profile,
        "verification": {"type": "Signed", "creator": other.key_id},
    }
    record = college.record(
        achievements=[college.assertion(1)["achievement"]],
        signedAssertions=[other.signed_assertion(9)],
        signedEndorsements=[other.sign(endorsement)],
    )

    def sign_record(payload: Any) -> bytes:
        return college.sign(payload).encode()

    token = sign_record(record)
    yield made("record", "clr-1.0 jws", token, sign_record)
    yield made("set", "clr-1.0 json", json.dumps({**_CLR_CONTEXT, "signedClrs": [token.decode()]}).encode())
    address = f"{college.base}/hosted/1"
    hosted = college.record(id=address, verification={"type": "Hosted"})
    world.serve(address, hosted)
    yield made("hosted record", "clr-1.0 json", json.dumps(hosted).encode())
    yield made("address", "text", address.encode())
    yield made("record in a PDF", "pdf", pdf_with([("clr.jws", token)]))
    yield made("record in a PDF, unpacked", "pdf", pdf_with([("clr.jws", token)], compress=False))
    yield from _credentials(world, made)


_CLR_CONTEXT: Mapping[str, Any] = {
    "@context": "https://purl.imsglobal.org/spec/clr/v1p0/context/clr_v1p0.jsonld",
    "type": "ClrSet",
    "id": "urn:uuid:set",
}


def _credentials(world: World, made: Callable[..., Original]) -> Iterator[Original]:
    issuer = vc_world.Issuer(world, "college.example")
    single = issuer.badge(endorsement=[issuer.endorsement("urn:uuid:badge-1")])
    revocable = issuer.badge(
        2,
        credentialStatus={
            "id": "urn:x:status#5",
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": "5",
            "statusListCredential": issuer.status_list([3]),
        },
    )
    inner = [issuer.sign(issuer.badge(number)) for number in (3, 4)]

    def prove(document: Any) -> bytes:
        return json.dumps(issuer.sign(document)).encode()

    for name, document, collection in (
        ("badge", single, "ob-3.0"),
        ("revocable badge", revocable, "ob-3.0"),
        ("record", issuer.record(inner), "clr-2.0"),
    ):
        yield made(f"proven {name}", f"{collection} json", prove(document), prove)
        yield made(f"token of a {name}", f"{collection} jws", issuer.token(document), issuer.token)
        text = prove(document).decode()
        keyword, kind = (png.CLR_2, svg.CLR_2) if collection == "clr-2.0" else (png.OPEN_BADGES_3, svg.OPEN_BADGES_3)
        yield made(f"picture of a {name}", "png", png.bake(PICTURE, text, keyword=keyword))
        yield made(f"drawing of a {name}", "svg", svg.bake(DRAWING, verify="", body=text, kind=kind))
    yield from _by_other_suites(issuer, made)


def _by_other_suites(issuer: vc_world.Issuer, made: Callable[..., Original]) -> Iterator[Original]:
    keys: dict[str, Any] = {
        "eddsa-jcs-2022": vc_world.signing_key("other suites"),
        "ecdsa-jcs-2019": vc_world.p256_key("other suites"),
        "ecdsa-rdfc-2019": ec.generate_private_key(ec.SECP384R1()),
    }
    for suite, key in keys.items():
        did = dids.did_key_of(key.public_key())
        method = f"{did}#{did.removeprefix('did:key:')}"

        def prove(document: Any, key: Any = key, suite: str = suite, method: str = method) -> bytes:
            signed = data_integrity.sign(
                document, key, verification_method=method, created="2025-07-01T00:00:00Z", cryptosuite=suite
            )
            return json.dumps(signed).encode()

        badge = issuer.badge()
        badge["issuer"]["id"] = did
        yield made(f"badge by {suite}", "ob-3.0 json", prove(badge), prove)
