"""The letters of this room: that something was issued or revoked. They say nothing about what it is (PRIV-10)."""

from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from apps.accounts import inviting, telling
from apps.accounts.models import Invitation, User
from apps.jobs import outbox
from apps.jobs.models import OutboxEntry
from apps.learners.models import Learner


def record_issued(entry: OutboxEntry) -> EmailMultiAlternatives | None:
    """Tells the learner once that there is something to see; without an account the letter is the invitation.

    An invitation made for this letter stands under its number, so that a repeat carries the same link.
    """
    learner = Learner.objects.select_related("user").filter(public_id=entry.recipient_id).first()
    if learner is None:
        return None
    context: dict[str, Any] = {"institution": inviting.institution_name()}
    if learner.user is not None and learner.user.is_active:
        context["link"] = f"{settings.BASE_URL}/records/"
        return telling.compose("record_issued", learner.user.email, context, language=learner.user.language)
    if not learner.email:
        return None
    if (account := User.objects.filter(email__iexact=learner.email, is_active=True).first()) is not None:
        context["link"] = f"{settings.BASE_URL}/"
        return telling.compose("record_issued", account.email, context, language=account.language)
    invitation = _invitation_for(learner, entry)
    context |= {
        "is_invitation": True,
        "link": inviting.link_of(invitation),
        "expires_at": invitation.expires_at,
    }
    return telling.compose("record_issued", learner.email, context)


def _invitation_for(learner: Learner, entry: OutboxEntry) -> Invitation:
    if made := entry.arguments.get("invitation"):
        known = Invitation.objects.filter(public_id=made, withdrawn_at=None).first()
        if known is not None:
            return known
    invitation = inviting.invite(learner.email, subject_id=learner.public_id, tells=False)
    entry.arguments = {**entry.arguments, "invitation": str(invitation.public_id)}
    OutboxEntry.objects.filter(pk=entry.pk).update(arguments=entry.arguments)
    return invitation


def record_revoked(entry: OutboxEntry) -> EmailMultiAlternatives | None:
    """Tells a learner with an account that something changed."""
    learner = Learner.objects.select_related("user").filter(public_id=entry.recipient_id, user__is_active=True).first()
    if learner is None or learner.user is None:
        return None
    context = {"institution": inviting.institution_name(), "link": f"{settings.BASE_URL}/records/"}
    return telling.compose("record_issued", learner.user.email, context, language=learner.user.language)


def register() -> None:
    """Names the letters to the outbox."""
    outbox.sender("record-issued")(record_issued)
    outbox.sender("record-revoked")(record_revoked)
