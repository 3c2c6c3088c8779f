"""The disclosure log of what programs read with a token (PRIV-01, 34 CFR 99.32)."""

from collections.abc import Iterable
from uuid import UUID

from apps.exchange.models import AccessToken
from apps.institution.models import Disclosure

BASIS = "34 CFR 99.30"
"""Written consent of the learner; the number of the consent follows."""


def note_read(token: AccessToken, learner_id: UUID, what: Iterable[tuple[str, str]], purpose: str) -> None:
    """Note that the client of this token was given these things, each as (type, id), of one learner.

    Written before the answer leaves: what cannot be noted is not given. One statement, however many.
    """
    consent = token.consent
    recipient = f"{consent.client_name} ({consent.client_host})"
    basis = f"{BASIS}, consent {consent.public_id}"
    Disclosure.objects.bulk_create(
        Disclosure(
            learner_id=learner_id,
            object_type=object_type,
            object_id=object_id,
            recipient=recipient,
            purpose=purpose,
            basis=basis,
        )
        for object_type, object_id in what
    )
