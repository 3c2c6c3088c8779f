"""A small world of W3C credentials: issuers with keys and documents, and what they sign."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from apps.standards import dids
from apps.standards.clr2 import write as clr2
from apps.standards.ob3 import write as ob3
from apps.standards.proofs import data_integrity, vc_jwt
from apps.standards.proofs.jws import Signer
from apps.standards.verify.engine import verify
from apps.standards.verify.verdict import Result
from tests.standards.verify.world import NOW, World

LEARNER = "did:example:ada"


@cache
def signing_key(name: str) -> ed25519.Ed25519PrivateKey:
    """A key for the run of the tests, by name."""
    return ed25519.Ed25519PrivateKey.generate()


@cache
def p256_key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


class Issuer:
    """A did:web issuer; its document is served as soon as it is made."""

    def __init__(self, world: World, host: str) -> None:
        self.world = world
        self.id = f"did:web:{host}"
        self.base = f"https://{host}"
        self.method = f"{self.id}#key-1"
        self.key = signing_key(host)
        self.publish()

    def publish(self, **changes: Any) -> None:
        method = dids.verification_method(self.method, self.id, self.key.public_key())
        token = dids.verification_method(f"{self.id}#key-2", self.id, p256_key(self.base).public_key())
        document = {**dids.controller_document(self.id, [method, token]), **changes}
        self.world.serve(f"{self.base}/.well-known/did.json", document)

    def profile(self) -> dict[str, Any]:
        return ob3.profile(self.id, "Riverbend College", url=self.base)

    def badge(self, number: int = 1, *, subject: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """An unsigned badge with a little of everything."""
        course = ob3.achievement(
            f"{self.base}/achievements/{number}",
            name=f"Calculus {number}",
            description="Integration techniques and series.",
            criteria="Final grade of C or better.",
            achievementType="Course",
            creditsAvailable=4.5,
            resultDescription=[
                {
                    "id": f"urn:uuid:grade-{number}",
                    "type": ["ResultDescription"],
                    "name": "Grade",
                    "resultType": "LetterGrade",
                    "allowedValue": ["C", "B", "A"],
                }
            ],
        )
        about = subject or ob3.subject(
            achievement=course,
            id=LEARNER,
            result=[ob3.result(result_description=f"urn:uuid:grade-{number}", value="A")],
            creditsEarned=4.5,
        )
        return ob3.badge(
            id=f"urn:uuid:badge-{number}",
            issuer=self.profile(),
            valid_from="2025-02-01T09:00:00Z",
            subject=about,
            name=f"Calculus {number}",
            **more,
        )

    def endorsement(self, about: str) -> dict[str, Any]:
        return self.sign(
            ob3.endorsement(
                id="urn:uuid:endorsement-1",
                issuer=self.profile(),
                valid_from="2025-03-01T00:00:00Z",
                about=about,
                name="Endorsement",
                comment="Well taught.",
            )
        )

    def record(self, credentials: list[dict[str, Any]], *, learner: str = LEARNER, **more: Any) -> dict[str, Any]:
        return clr2.record(
            id="urn:uuid:record-1",
            issuer=self.profile(),
            valid_from="2025-06-30T12:00:00Z",
            name="Academic record",
            subject=clr2.subject(credentials=credentials, id=learner),
            partial=False,
            **more,
        )

    def sign(self, document: dict[str, Any], **changes: Any) -> dict[str, Any]:
        options: dict[str, Any] = {
            "verification_method": self.method,
            "created": "2025-07-01T00:00:00Z",
            **changes,
        }
        return data_integrity.sign(document, options.pop("key", self.key), **options)

    def token(self, document: dict[str, Any], *, kid: str | None = None, **claims: Any) -> bytes:
        """The document as VC-JWT by the P-256 key; claims replace what belongs there."""
        pem = p256_key(self.base).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        payload = {**vc_jwt.payload_for(document), **claims}
        payload = {name: value for name, value in payload.items() if value is not ...}
        return Signer(pem, kid or f"{self.id}#key-2", typ="JWT").sign(json.dumps(payload).encode())

    def status_list(self, revoked: list[int], *, purpose: str = "revocation", entries: int = 131_072) -> str:
        address = f"{self.base}/status/{purpose}"
        unsigned = ob3.status_list(
            address=address,
            issuer=self.id,
            valid_from="2025-01-01T00:00:00Z",
            revoked=revoked,
            purpose=purpose,
            entries=entries,
        )
        self.world.serve(address, self.sign(unsigned))
        return address


def judged(world: World, document: dict[str, Any] | bytes, *, recipients: tuple[str, ...] = (), **more: Any) -> Result:
    source = document if isinstance(document, bytes) else json.dumps(document).encode()
    return verify(source, fetcher=world, now=more.pop("now", NOW), expected_recipients=recipients, **more)


def codes(result: Result) -> list[str | None]:
    return [check.code for check in result.failures()]
