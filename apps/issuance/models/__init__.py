"""The tables of this room: records from draft to end, and the Open Badges of what they say."""

from apps.issuance.models.badges import Badge, BadgeQuerySet
from apps.issuance.models.records import (
    Approval,
    Batch,
    BatchItem,
    Draft,
    DraftItem,
    IssuedDocument,
    Publicity,
    Record,
    RecordQuerySet,
    RecordStep,
    Rendition,
    Revocation,
    SigningWork,
    Snapshot,
    Supersession,
    new_code,
)

__all__ = [
    "Approval",
    "Badge",
    "BadgeQuerySet",
    "Batch",
    "BatchItem",
    "Draft",
    "DraftItem",
    "IssuedDocument",
    "Publicity",
    "Record",
    "RecordQuerySet",
    "RecordStep",
    "Rendition",
    "Revocation",
    "SigningWork",
    "Snapshot",
    "Supersession",
    "new_code",
]
