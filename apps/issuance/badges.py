"""Open Badges of what a learner earned: made from issued records, hosted and signed, replaced and revoked with them."""

from django.db.models import QuerySet

from apps.issuance.models import Badge
from apps.learners.models import Learner


def badges_of(learner: Learner) -> QuerySet[Badge]:
    """The standing badges of a learner, the newest change first."""
    return Badge.objects.standing().filter(assertion__learner=learner).order_by("-changed_at", "-pk")
