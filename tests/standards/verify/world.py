"""A small world to verify in: institutions with keys, profiles and lists, and what they signed or host."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from apps.standards.clr1 import model, write
from apps.standards.errors import NotReachable
from apps.standards.proofs.jws import Signer
from apps.standards.verify.engine import verify
from apps.standards.verify.sources import Budget, Fetched, OwnRecord
from apps.standards.verify.verdict import Result

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LEARNER = "urn:uuid:5f9d1c0e-3f0b-4d57-9d0e-1c2b3a4d5e6f"


@cache
def private_key(name: str) -> rsa.RSAPrivateKey:
    """A key for the run of the tests, by name."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(name: str) -> bytes:
    return private_key(name).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_pem(name: str) -> str:
    return (
        private_key(name)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


class Institution:
    """An issuer with a profile, a key and a revocation list at addresses of its host."""

    def __init__(self, world: World, host: str, name: str) -> None:
        self.world = world
        self.base = f"https://{host}/ims/clr/v1p0"
        self.id = f"{self.base}/profiles/1"
        self.key_id = f"{self.base}/keys/1"
        self.list_id = f"{self.base}/revocations/1"
        self.name = name
        self.revoked: list[str] = []
        self.publish()

    @property
    def key(self) -> model.CryptographicKey:
        return write.cryptographic_key(id=self.key_id, owner=self.id, public_key_pem=public_pem(self.name))

    @property
    def profile(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "type": "Profile",
            "name": self.name,
            "publicKey": write.to_json(self.key),
            "revocationList": self.list_id,
        }

    def publish(self) -> None:
        self.world.serve(self.id, {"@context": model.CONTEXT_URL, **self.profile})
        self.world.serve(self.key_id, write.standing_alone(self.key))
        self.publish_list()

    def publish_list(self) -> None:
        self.world.serve(self.list_id, write.revocation_list(id=self.list_id, issuer=self.id, revoked=self.revoked))

    def revoke(self, id: str) -> None:
        self.revoked.append(id)
        self.publish_list()

    def sign(self, document: dict[str, Any], *, key: str | None = None) -> str:
        return Signer(private_pem(key or self.name), self.key_id).sign(json.dumps(document).encode()).decode()

    def record(self, **changes: Any) -> dict[str, Any]:
        """The payload of a record of this institution."""
        return {
            "@context": model.CONTEXT_URL,
            "id": f"{self.base}/clrs/1",
            "type": "Clr",
            "issuedOn": "2026-06-30T15:00:00Z",
            "learner": {"id": LEARNER, "type": "Profile", "name": "Ada Núñez", "email": "ada@learners.example"},
            "publisher": self.profile,
            "assertions": [self.assertion(1), self.assertion(2)],
            "verification": {"type": "Signed", "creator": self.key_id},
            **changes,
        }

    def assertion(self, number: int, **changes: Any) -> dict[str, Any]:
        return {
            "id": f"urn:uuid:00000000-0000-4000-8000-{number:012}",
            "type": "Assertion",
            "issuedOn": "2026-06-20T00:00:00Z",
            "recipient": {"type": "id", "identity": LEARNER, "hashed": False},
            "achievement": {
                "id": f"urn:uuid:00000000-0000-4000-8001-{number:012}",
                "type": "Achievement",
                "achievementType": "Course",
                "name": f"Course {number}",
                "creditsAvailable": 4.0,
                "issuer": {"id": self.id, "type": "Profile", "name": self.name},
                "resultDescriptions": [
                    {
                        "id": f"urn:uuid:00000000-0000-4000-8002-{number:012}",
                        "name": "Final grade",
                        "resultType": "LetterGrade",
                        "allowedValues": ["C", "B", "A"],
                    }
                ],
            },
            "results": [{"resultDescription": f"urn:uuid:00000000-0000-4000-8002-{number:012}", "value": "B"}],
            **changes,
        }

    def signed_assertion(self, number: int, **changes: Any) -> str:
        return self.sign(
            {
                "@context": model.CONTEXT_URL,
                **self.assertion(number),
                "verification": {"type": "Signed", "creator": self.key_id},
                **changes,
            }
        )


class World:
    """Addresses and what stands there; also the fetcher, and the look-up of a portal's own records."""

    def __init__(self) -> None:
        self.answers: dict[str, Fetched] = {}
        self.asked: list[str] = []
        self.own_records: dict[str, OwnRecord] = {}

    def serve(self, url: str, document: Any, status: int = 200) -> None:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.answers[url] = Fetched(status, "application/json", body, url)

    def fetch(self, url: str, *, kind: str) -> Fetched:
        self.asked.append(url)
        if url not in self.answers:
            raise NotReachable("Nobody answers there.")
        return self.answers[url]

    def issued(self, id: str) -> OwnRecord | None:
        return self.own_records.get(id)

    def served(self, url: str) -> Fetched | None:
        return None

    def judge(
        self, source: Any, *, now: datetime = NOW, budget: Budget | None = None, expected: tuple[str, ...] = ()
    ) -> Result:
        if isinstance(source, dict):
            source = json.dumps(source).encode()
        data = source.encode() if isinstance(source, str) else source
        return verify(data, fetcher=self, now=now, own=self, budget=budget, expected_recipients=expected)


def codes(result: Result) -> list[str | None]:
    """The codes of the failed checks."""
    return [check.code for check in result.failures()]


def warnings(result: Result) -> list[str | None]:
    """The codes of the warnings."""
    return [check.code for check in result.warnings()]
