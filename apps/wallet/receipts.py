"""The receipt of a consent to share: what, to whom, what for, until when; signed by the institution (PRIV-02).

34 CFR 99.30 asks for a consent that is signed and dated and names records, purpose and recipient. The learner gives it
signed in, by a button; the institution states by its signature when it received it.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC
from typing import Any

import orjson
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.institution import keys, profiles
from apps.institution.models import Organization
from apps.issuance.models import Badge, Record
from apps.jobs import running
from apps.jobs.models import Job
from apps.standards.jsonld import jcs
from apps.wallet.models import Share, ShareItem

KIND = "consent-receipt"
_DIGEST = re.compile(r"[0-9a-f]{64}")


def receipt_of(share: Share, items: Sequence[ShareItem], *, by: Any) -> dict[str, Any]:
    """The receipt in words that stand by themselves; no secret is in it."""
    home = Organization.objects.filter(is_home=True).first()
    return {
        "type": "ConsentReceipt",
        "id": f"urn:uuid:{share.public_id}",
        "givenAt": share.created_at.astimezone(UTC).isoformat(timespec="seconds"),
        "givenBy": {"name": share.shared_by, "email": by.email},
        "disclosedBy": {"name": home.name if home else "", "url": settings.BASE_URL},
        "recipient": share.recipient,
        "purpose": share.purpose,
        "until": share.expires_at.astimezone(UTC).isoformat(timespec="seconds"),
        "views": share.most_views,
        "records": [
            {"kind": kind_of(each), "id": str(each.origin.public_id), "title": each.title, "sha256": each.digest}
            for each in items
        ],
        "signature": _(
            "Given electronically by the person named, signed in with a password, by a button of this page."
        ),
    }


def kind_of(item: ShareItem) -> str:
    """`record`, `badge` or `wallet item`."""
    return "record" if isinstance(item.origin, Record) else "badge" if isinstance(item.origin, Badge) else "wallet item"


def digest(share: Share) -> str:
    """SHA-256 of the receipt in canonical JSON: what is signed."""
    return hashlib.sha256(jcs.canonical(share.receipt)).hexdigest()


def ask_for_signature(share: Share) -> None:
    """Has the signing worker sign the receipt, soon; only its digest goes there (SEC-61, PRIV-04)."""
    sha256 = digest(share)
    running.start(
        KIND, "Receipt of a consent", arguments={"sha256": sha256, "share": str(share.public_id)}, nonce=sha256
    )


@running.kind(KIND, queue="sign")
def sign(job: Job, progress: running.Progress) -> None:
    """In the signing worker: the institution states that it received a consent with this digest."""
    sha256 = job.arguments.get("sha256", "")
    share = Share.objects.filter(public_id=str(job.arguments["share"])).first()
    if not _DIGEST.fullmatch(sha256) or share is None or digest(share) != sha256:
        raise running.JobFailed("This is not the digest of a receipt.")
    home = Organization.objects.filter(is_home=True).first()
    if home is None:
        raise running.JobFailed("There is no institution yet that could sign.")
    key = keys.ensure_active_key(home)
    statement = {
        "type": "ConsentReceipt",
        "receiptSha256": sha256,
        "issuer": profiles.profile_address(home, key.base_url),
        "key": keys.address(key),
        "signedAt": timezone.now().astimezone(UTC).isoformat(timespec="seconds"),
    }
    signature = keys.signer(key).sign(jcs.canonical(statement)).decode("ascii")
    Share.objects.filter(pk=share.pk, receipt_signature="").update(receipt_signature=signature)
    progress.update(done=1, total=1)


def file_of(share: Share) -> bytes:
    """The receipt as a file to keep: the receipt, what became of it since, and the institution's signature."""
    ended = share.withdrawn_at.isoformat(timespec="seconds") if share.withdrawn_at else None
    kept = {"receipt": share.receipt, "endedAt": ended, "signature": share.receipt_signature or None}
    return orjson.dumps(kept, option=orjson.OPT_INDENT_2)
