"""Another institution that issues Open Badges, hosted and signed, and the network in which it stands."""

import base64
import io
import json
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from PIL import Image

from apps.standards.errors import NotReachable
from apps.standards.verify.sources import Fetched

CONTEXT = "https://w3id.org/openbadges/v2"
HOST = "https://badges.example"


def _picture() -> bytes:
    """The smallest picture that is one."""
    drawn = io.BytesIO()
    Image.new("RGB", (1, 1)).save(drawn, "PNG")
    return drawn.getvalue()


PICTURE = _picture()


class BadgeIssuer:
    """Its documents by address; `gone` answers 410, and nobody answers while it is away."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.hosted: dict[str, dict[str, Any]] = {}
        self.gone: set[str] = set()
        self.revoked: list[str] = []
        self.is_there = True
        self.asked: list[str] = []

    # --- what it issues ---------------------------------------------------------------------------

    def assertion(self, email: str, number: int = 1, **changed: Any) -> dict[str, Any]:
        """A hosted badge for somebody, put at its address."""
        made = {
            "@context": CONTEXT,
            "id": f"{HOST}/assertions/{number}",
            "type": "Assertion",
            "recipient": {"type": "email", "hashed": False, "identity": email},
            "badge": f"{HOST}/classes/1",
            "verification": {"type": "HostedBadge"},
            "issuedOn": f"2026-0{1 + number % 9}-05T10:00:00Z",
            **changed,
        }
        self.hosted[made["id"]] = made
        return made

    def signed(self, email: str, number: int = 1, **changed: Any) -> str:
        """A signed badge for somebody."""
        document = {
            "@context": CONTEXT,
            "id": f"urn:uuid:5f0c64b5-7f8e-4d7a-9d8f-0000000000{number:02}",
            "type": "Assertion",
            "recipient": {"type": "email", "hashed": False, "identity": email},
            "badge": f"{HOST}/classes/1",
            "verification": {"type": "SignedBadge", "creator": f"{HOST}/keys/1"},
            "issuedOn": "2026-02-05T10:00:00Z",
            **changed,
        }
        parts = ".".join(_encoded(json.dumps(part).encode()) for part in ({"alg": "RS256"}, document))
        return f"{parts}.{_encoded(self.key.sign(parts.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def documents(self) -> dict[str, dict[str, Any]]:
        """What stands at its addresses."""
        pem = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        others = [
            {
                "id": f"{HOST}/issuer", "type": "Issuer", "name": "Far College", "url": f"{HOST}/",
                "email": "office@badges.example", "publicKey": f"{HOST}/keys/1",
                "revocationList": f"{HOST}/revoked",
            },
            {
                "id": f"{HOST}/classes/1", "type": "BadgeClass", "name": "Welding", "description": "Can weld.",
                "image": f"{HOST}/badge.png", "criteria": {"narrative": "Weld something."},
                "issuer": f"{HOST}/issuer",
            },
            {
                "id": f"{HOST}/keys/1", "type": "CryptographicKey", "owner": f"{HOST}/issuer", "publicKeyPem": pem,
            },
            {
                "id": f"{HOST}/revoked", "type": "RevocationList", "issuer": f"{HOST}/issuer",
                "revokedAssertions": list(self.revoked),
            },
        ]  # fmt: skip
        return {**{str(each["id"]): {"@context": CONTEXT, **each} for each in others}, **self.hosted}

    # --- the fetcher of a verification -------------------------------------------------------------

    def fetch(self, url: str, *, kind: str = "json") -> Fetched:
        """Answers like its web server."""
        self.asked.append(url)
        if not self.is_there:
            raise NotReachable("Nobody answers there.")
        if url == f"{HOST}/badge.png":
            return Fetched(200, "image/png", PICTURE, url)
        if url in self.gone:
            return Fetched(410, "application/json", b"", url)
        document = self.documents().get(url)
        if document is None:
            raise NotReachable("Nobody answers there.")
        return Fetched(200, "application/ld+json", json.dumps(document).encode(), url)


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
