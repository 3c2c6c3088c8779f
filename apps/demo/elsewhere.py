"""What the demo student earned elsewhere: badges of three made-up issuers, signed with keys that nobody keeps."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from apps.learners.models import Learner
from apps.network.fetching import Budget, GuardedFetcher
from apps.standards import dids
from apps.standards.proofs.jws import encode_part
from apps.wallet import intake
from apps.wallet.models import Receipt

CONTEXTS = [
    "https://www.w3.org/ns/credentials/v2",
    "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
]
FIRST_AID = ("Red Gull First Aid Society", "https://redgull.example")
CODERS = ("Tidepool Coding School", "https://tidepool.example")
CITY = ("City of Alder Bay", "https://city.alder-bay.example")
EARNED: tuple[tuple[tuple[str, str], str, str, str, str, str], ...] = (
    (
        FIRST_AID,
        "First Aid at Sea",
        "Certificate",
        "2024-07-12",
        "Sixteen hours of practice and a test on the water.",
        "",
    ),
    (CODERS, "Data Pipelines", "Course", "2025-01-20", "Builds a pipeline that recovers from lost input.", "CMP.4"),
    (CODERS, "Peer Code Reviewer", "Badge", "2025-03-03", "Twenty reviews that the authors found useful.", "COM.1"),
    (CITY, "Harbour Clean-up Lead", "CommunityService", "2025-09-27", "Led a group of at least ten on two days.", ""),
)
"""Issuer, name, type, date, criteria, and the code of a competency of the institution's own framework."""


def gather(learner: Learner) -> int:
    """Puts the badges into the learner's wallet; gives how many."""
    keys = {issuer: Ed25519PrivateKey.generate() for issuer in (FIRST_AID, CODERS, CITY)}
    fetcher = GuardedFetcher.from_settings(Budget.in_a_job())
    for issuer, *earned in EARNED:
        token = _signed(keys[issuer], _badge(learner, dids.did_key_of(keys[issuer].public_key()), issuer, *earned))
        intake.take_in(learner, token, source=Receipt.Source.UPLOAD, fetcher=fetcher)
    return len(EARNED)


def _badge(
    learner: Learner, did: str, issuer: tuple[str, str], name: str, kind: str, on: str, criteria: str, code: str
) -> dict[str, Any]:
    """An Open Badge 3.0 for the learner's own address."""
    title, site = issuer
    aligned = {
        "type": ["Alignment"],
        "targetName": f"Outcome {code}",
        "targetCode": code,
        "targetUrl": f"{site}/outcomes/{code}",
        "targetFramework": "Alder Bay Graduate Outcomes",
    }
    return {
        "@context": CONTEXTS,
        "id": f"urn:uuid:{uuid.uuid4()}",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "issuer": {"id": did, "type": ["Profile"], "name": title, "url": site},
        "validFrom": f"{on}T09:00:00Z",
        "name": name,
        "credentialSubject": {
            "type": ["AchievementSubject"],
            "identifier": [
                {
                    "type": "IdentityObject",
                    "hashed": False,
                    "identityHash": learner.user.email if learner.user else learner.email,
                    "identityType": "emailAddress",
                }
            ],
            "achievement": {
                "id": f"{site}/achievements/{uuid.uuid5(uuid.NAMESPACE_URL, name)}",
                "type": ["Achievement"],
                "achievementType": kind,
                "name": name,
                "description": criteria,
                "criteria": {"narrative": criteria},
                **({"alignment": [aligned]} if code else {}),
            },
        },
    }


def _signed(key: Ed25519PrivateKey, badge: dict[str, Any]) -> bytes:
    """The badge as a VC-JWT whose key is its issuer's did:key."""
    did = badge["issuer"]["id"]
    header = {"alg": "EdDSA", "typ": "JWT", "kid": f"{did}#{did.removeprefix('did:key:')}"}
    begins = datetime.fromisoformat(badge["validFrom"]).astimezone(UTC)
    claims = {**badge, "iss": did, "jti": badge["id"], "nbf": int(begins.timestamp())}
    signed = b".".join(encode_part(json.dumps(part, ensure_ascii=False).encode()) for part in (header, claims))
    return b".".join((signed, encode_part(key.sign(signed))))
