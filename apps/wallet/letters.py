"""Letters: one carries a link and says nothing of what it shows (PRIV-10), one asks whose address it is."""

from django.core.mail import EmailMultiAlternatives

from apps.accounts import inviting, telling
from apps.jobs import outbox
from apps.jobs.models import OutboxEntry
from apps.wallet import identities, sharing
from apps.wallet.models import OwnAddress, Share


@outbox.sender(sharing.LETTER)
def share_link(entry: OutboxEntry) -> EmailMultiAlternatives | None:
    """To whom the learner named; nothing once the link is over."""
    share = Share.objects.select_related("learner__user").filter(public_id=entry.subject_id).first()
    if share is None or not share.email or share.state != Share.State.OPEN:
        return None
    context = {
        "sharer": share.shared_by,
        "institution": inviting.institution_name(),
        "link": share.link,
        "expires_at": share.expires_at,
        "has_passcode": bool(share.passcode),
    }
    user = share.learner.user
    return telling.compose("share_link", share.email, context, language=user.language if user else "")


@outbox.sender(identities.LETTER)
def own_address(entry: OutboxEntry) -> EmailMultiAlternatives | None:
    """To the address that a learner named; nothing once it is confirmed or taken away."""
    asked = OwnAddress.objects.select_related("learner__user").filter(public_id=entry.subject_id).first()
    if asked is None or asked.verified_at is not None:
        return None
    context = {"institution": inviting.institution_name(), "link": identities.link_of(asked)}
    user = asked.learner.user
    return telling.compose("own_address", asked.email, context, language=user.language if user else "")
