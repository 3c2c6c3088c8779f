"""The verification report: a result that a verifier keeps, signed by the institution that runs this portal.

The report is one JSON file: ``report`` (what was judged by its digest, when, and the result) and ``signature``, a
compact JWS (RS256) whose payload names the SHA-256 of the report in canonical JSON (RFC 8785). Whoever keeps the file
can check it with the portal's published key. Only that SHA-256 goes to the worker that signs, and nothing of the
document or the report is stored: the page itself carries the report, sealed, until somebody asks for the signature.
"""

from __future__ import annotations

import hashlib
import re
import time
from datetime import UTC, datetime
from typing import Any

import orjson
from django.core.signing import BadSignature, Signer
from django.utils import timezone

from apps.institution import keys, profiles
from apps.institution.models import Organization
from apps.jobs import running
from apps.jobs.models import Job
from apps.standards import strict_json
from apps.standards.errors import ParseFault, SignatureFault
from apps.standards.jsonld import jcs
from apps.standards.proofs import jws
from apps.standards.verify.verdict import Result

KIND = "verification-report"
MAX_REPORT = 1_000_000
WAIT_SECONDS = 7.0  # of the ten that a request has (REL-33)
_DIGEST = re.compile(r"[0-9a-f]{64}")


class NotOurReport(Exception):
    """The report was not made by this portal, or was changed since."""


class NotSignedYet(Exception):
    """No worker has signed the report in time; asking again later gives the signature."""


def sealed(result: Result, source: bytes, *, now: datetime | None = None) -> str:
    """The report of a result as text, sealed so that nobody else's text can be handed in for signing.

    Empty for a result that is too large to be carried by a page.
    """
    report = {
        "type": "VerificationReport",
        "verifier": keys.public_base(),
        "verifiedAt": (now or datetime.now(UTC)).isoformat(timespec="seconds"),
        "sourceSha256": hashlib.sha256(source).hexdigest(),
        "result": result.as_json(),
    }
    text = jcs.canonical(report).decode("utf-8")
    return _seal().sign(text) if len(text) <= MAX_REPORT else ""


def opened(text: str) -> bytes:
    """The canonical bytes of a sealed report. Raises ``NotOurReport``."""
    try:
        report = _seal().unsign(text).encode("utf-8")
        strict_json.loads(report)
    except (BadSignature, ParseFault, UnicodeEncodeError):
        raise NotOurReport from None
    return report


def _seal() -> Signer:
    return Signer(salt=KIND)


def signed(report: bytes) -> bytes:
    """The file to keep: the report with its signature. Raises ``NotSignedYet`` when no worker answers in time."""
    digest = hashlib.sha256(report).hexdigest()
    job = running.start(KIND, "Verification report", arguments={"sha256": digest}, nonce=f"{KIND}:{digest}"[:64])
    end = time.monotonic() + WAIT_SECONDS
    while not job.is_over and time.monotonic() < end:
        time.sleep(0.1)
        job.refresh_from_db(fields=["state", "result"])
    token = job.result.get("signature")
    if not isinstance(token, str):
        raise NotSignedYet
    return orjson.dumps({"report": orjson.loads(report), "signature": token}, option=orjson.OPT_INDENT_2)


@running.kind(KIND, queue="sign")
def sign(job: Job, progress: running.Progress) -> None:
    """In the signing worker: state when this digest was signed, with the institution's active key (SEC-61)."""
    digest = job.arguments.get("sha256", "")
    if not _DIGEST.fullmatch(digest):
        raise running.JobFailed("This is not the digest of a report.")
    home = Organization.objects.filter(is_home=True).first()
    if home is None:
        raise running.JobFailed("There is no institution yet that could sign.")
    key = keys.ensure_active_key(home)
    statement: dict[str, Any] = {
        "type": "VerificationReport",
        "reportSha256": digest,
        "issuer": profiles.profile_address(home, key.base_url),
        "key": keys.address(key),
        "signedAt": timezone.now().astimezone(UTC).isoformat(timespec="seconds"),
    }
    progress.update(done=1, total=1, signature=keys.signer(key).sign(jcs.canonical(statement)).decode("ascii"))


def holds(file: bytes, public_pem: str) -> bool:
    """Does a kept report hold against a published key? Any other reader does the same two steps."""
    try:
        kept = strict_json.loads(file)
        token = jws.read(kept["signature"], algorithms=jws.RS256_ONLY)
        jws.verify(token, jws.public_key_from_pem(public_pem))
        statement = strict_json.loads(token.payload)
        report = jcs.canonical(kept["report"])
    except (ValueError, KeyError, TypeError, SignatureFault, ParseFault):
        return False
    return bool(statement.get("reportSha256") == hashlib.sha256(report).hexdigest())
