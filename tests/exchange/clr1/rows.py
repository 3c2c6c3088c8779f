"""Many issued records for tests of lists: rows as issuing leaves them, with made-up bytes."""

import hashlib
import uuid
from datetime import timedelta

from apps.issuance.models import Approval, IssuedDocument, Record, Snapshot
from apps.learners.models import Learner


def copies_of(record: Record, learner: Learner, count: int) -> None:
    """`count` more issued records like this one, in the order of the database's own rules (REL-01)."""
    model = IssuedDocument.objects.get(record=record)
    approval = Approval.objects.get(snapshot=model.snapshot)
    start = IssuedDocument.objects.count()
    for number in range(start, start + count):
        made = Record.objects.create(learner=learner)
        snapshot = Snapshot.objects.create(
            record=made,
            number=1,
            learner_id=learner.public_id,
            content=b"{}",
            digest=hashlib.sha256(b"{}").hexdigest(),
            size=2,
        )
        Record.objects.filter(pk=made.pk).update(state="in_review", version=2, snapshot=snapshot)
        Approval.objects.create(snapshot=snapshot, digest=snapshot.digest, by=approval.by)
        Record.objects.filter(pk=made.pk).update(state="approved", version=3)
        content = f"eyJhIjox.eyJi{uuid.uuid4().hex}.c2lnbmF0dXJl".encode()
        address = f"{model.document_id.rpartition('/')[0]}/{made.public_id}"
        IssuedDocument.objects.create(
            record=made,
            snapshot=snapshot,
            format=model.format,
            document_id=address,
            content=content,
            digest=hashlib.sha256(content).hexdigest(),
            payload_digest=hashlib.sha256(content).hexdigest(),
            size=len(content),
            media_type=model.media_type,
            key=model.key,
            issued_on=model.issued_on - timedelta(days=number % 7),
        )
        Record.objects.filter(pk=made.pk).update(state="issued", version=4)
