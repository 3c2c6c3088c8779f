"""The disclosure log: who was shown what of whom, on which ground (PRIV-01, 34 CFR 99.32)."""

from uuid import UUID

from django.db.models import Model

from apps.institution.models import Disclosure


def note(learner_id: UUID, shown: Model, object_id: object, *, recipient: str, purpose: str, basis: str) -> None:
    """Note that `shown` of this learner was shown; `object_id` is its public id or digest, never personal."""
    Disclosure.objects.create(
        learner_id=learner_id,
        object_type=shown._meta.label_lower,
        object_id=str(object_id),
        recipient=recipient,
        purpose=purpose,
        basis=basis,
    )
