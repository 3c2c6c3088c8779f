"""The letter that carries a link: it says who shares, and nothing of what (PRIV-10)."""

from django.core.mail import EmailMultiAlternatives

from apps.accounts import inviting, telling
from apps.jobs import outbox
from apps.jobs.models import OutboxEntry
from apps.wallet import sharing
from apps.wallet.models import Share


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
