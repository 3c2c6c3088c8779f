"""Who a learner is to those who issue: the addresses known to be theirs, confirmed before they count."""

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.jobs import outbox
from apps.learners.models import Learner
from apps.wallet.models import OwnAddress

LETTER = "own-address"
MOST_ADDRESSES = 20
LINK_DAYS = 3
_SALT = "clrportal.own-address"


class AddressRefused(ValueError):
    """This address cannot be added; the text says why."""


def of(learner: Learner) -> list[str]:
    """The addresses known to be a learner's: of the sign-in, as the institution has it, and confirmed (E10)."""
    known = [learner.user.email if learner.user else "", learner.email]
    known += OwnAddress.objects.filter(learner=learner, verified_at__isnull=False).values_list("email", flat=True)
    return list(dict.fromkeys(address for address in known if address))


def add(learner: Learner, email: str) -> OwnAddress:
    """Note an address and mail a link to it; asked again, the letter goes again. Raises `AddressRefused`."""
    email = email.strip().lower()
    with transaction.atomic():
        Learner.objects.select_for_update().only("pk").get(pk=learner.pk)
        known = OwnAddress.objects.filter(learner=learner, email=email).first()
        if known is not None and known.verified_at is not None:
            raise AddressRefused(_("You have confirmed this address already."))
        if known is None:
            if OwnAddress.objects.filter(learner=learner).count() >= MOST_ADDRESSES:
                raise AddressRefused(_("You have 20 addresses. Take one away first."))
            known = OwnAddress.objects.create(learner=learner, email=email)
        outbox.put(LETTER, known.public_id, learner.public_id, asked=timezone.now().isoformat())
    return known


def link_of(asked: OwnAddress) -> str:
    """The link for the letter; signed, good for `LINK_DAYS` days, and only for who asked."""
    token = signing.dumps([str(asked.public_id), asked.email], salt=_SALT)
    return f"{settings.BASE_URL}/wallet/addresses/{token}/"


def confirm(learner: Learner, token: str) -> OwnAddress | None:
    """The address that the link of a letter names, now confirmed; None where it is too old, changed, or another's."""
    try:
        public_id, email = signing.loads(token, salt=_SALT, max_age=LINK_DAYS * 86_400)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    asked = OwnAddress.objects.filter(learner=learner, public_id=public_id, email=email).first()
    if asked is not None and asked.verified_at is None:
        asked.verified_at = timezone.now()
        asked.save(update_fields=["verified_at"])
    return asked
