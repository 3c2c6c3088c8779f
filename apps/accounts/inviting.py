"""Single-use invitations: the only way in which somebody gets a sign-in (an import never makes one).

The link's token is not random text that would have to be kept until the mail leaves: it is derived from the portal's
secret key and the invitation's id, so that the database holds its SHA-256 alone while the outbox can still write the
link (docs/decisions/0020-invitation-links.md).
"""

import base64
import hashlib
import hmac
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import telling
from apps.accounts.models import Invitation, User
from apps.accounts.permissions import Role, give_roles
from apps.institution import audit
from apps.institution.models import Organization, Policy

OnAccept = Callable[[Invitation, User], None]
_callbacks: list[OnAccept] = []


class NotOpen(Exception):
    """The invitation cannot be used: unknown, used, withdrawn or too old. The text tells a person what to do."""


class OtherAccount(Exception):
    """Somebody is signed in with another address than the one that was invited."""


def on_accept(callback: OnAccept) -> OnAccept:
    """Registers what else happens when an invitation is accepted, within the same transaction."""
    if callback not in _callbacks:
        _callbacks.append(callback)
    return callback


def token_of(invitation: Invitation) -> str:
    """The secret of the link: 256 bits that only this portal's secret key gives (SEC-43)."""
    key = hashlib.sha256(b"accounts.inviting\n" + settings.SECRET_KEY.encode()).digest()
    secret = hmac.new(key, invitation.public_id.bytes, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(secret).decode().rstrip("=")


def digest_of(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def link_of(invitation: Invitation) -> str:
    """The address in the mail; absolute from the settings only (SEC-58)."""
    return f"{settings.BASE_URL}/invitation/{token_of(invitation)}/"


def invite(
    email: str,
    *,
    kind: str = Invitation.Kind.LEARNER,
    subject_id: uuid.UUID | None = None,
    roles: Iterable[str] = (),
    by: User | None = None,
    tells: bool = True,
) -> Invitation:
    """Makes an invitation and notes the mail. Earlier ones to the same address for the same subject are withdrawn.

    `tells=False` notes no mail: for a letter of another room that carries the link itself.
    """
    now = timezone.now()
    with transaction.atomic():
        Invitation.objects.filter(
            email__iexact=email, subject_id=subject_id, kind=kind, accepted_at=None, withdrawn_at=None
        ).update(withdrawn_at=now)
        invitation = Invitation(
            kind=kind,
            email=email,
            subject_id=subject_id,
            roles=[str(role) for role in (roles or ([Role.LEARNER] if kind == Invitation.Kind.LEARNER else []))],
            expires_at=now + timedelta(days=Policy.current().invitation_days),
            created_by=by,
        )
        invitation.token_digest = digest_of(token_of(invitation))
        invitation.save()
        audit.record("invitation.made", invitation, by, kind=kind)
        if tells:
            telling.tell("invitation", invitation.public_id, invitation.public_id)
    return invitation


def invite_many(
    people: Sequence[tuple[str, uuid.UUID]], *, kind: str = Invitation.Kind.LEARNER, by: User | None = None
) -> list[Invitation]:
    """Invites many at once, each by address and public id of whom it is for; all of them or none."""
    now = timezone.now()
    with transaction.atomic():
        Invitation.objects.filter(
            subject_id__in=[subject for _email, subject in people], kind=kind, accepted_at=None, withdrawn_at=None
        ).update(withdrawn_at=now)
        expires_at = now + timedelta(days=Policy.current().invitation_days)
        roles = [str(Role.LEARNER)] if kind == Invitation.Kind.LEARNER else []
        made = [
            Invitation(kind=kind, email=email, subject_id=subject, roles=roles, expires_at=expires_at, created_by=by)
            for email, subject in people
        ]
        for invitation in made:
            invitation.token_digest = digest_of(token_of(invitation))
        Invitation.objects.bulk_create(made)
        audit.record_many(audit.act("invitation.made", invitation, by, kind=kind) for invitation in made)
        for invitation in made:
            telling.tell("invitation", invitation.public_id, invitation.public_id)
    return made


def withdraw(invitation: Invitation, *, by: User | None) -> bool:
    """Makes the link useless; whether it still was of use."""
    with transaction.atomic():
        changed = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, withdrawn_at=None).update(
            withdrawn_at=timezone.now()
        )
        if changed:
            audit.record("invitation.withdrawn", invitation, by)
    return bool(changed)


def find(token: str) -> Invitation:
    """The open invitation of a link; raises `NotOpen` with the same words for unknown, used, withdrawn and expired."""
    invitation = Invitation.objects.filter(
        token_digest=digest_of(token), accepted_at=None, withdrawn_at=None, expires_at__gt=timezone.now()
    ).first()
    if invitation is None:
        raise NotOpen(
            _("This link is no longer of use: it is too old, used already, or mistyped. Ask the office for a new one.")
        )
    return invitation


def account_of(invitation: Invitation) -> User | None:
    """The account that the invited address already has."""
    return User.objects.filter(email__iexact=invitation.email).first()


def accept(token: str, *, password: str | None = None, name: str = "", user: User | None = None) -> User:
    """Uses the link up: makes the account with this password, or takes the signed-in `user` of the same address.

    Raises `NotOpen`, or `OtherAccount` when the address belongs to an account that is not `user`: a link never changes
    the password of an account that exists.
    """
    with transaction.atomic():
        invitation = Invitation.objects.select_for_update().get(pk=find(token).pk)
        existing = account_of(invitation)
        if existing is not None and (user is None or user.pk != existing.pk):
            raise OtherAccount
        if existing is None and user is not None:
            raise OtherAccount
        if not Invitation.objects.filter(pk=invitation.pk, accepted_at=None, withdrawn_at=None).update(
            accepted_at=timezone.now()
        ):
            raise NotOpen(_("This link was used a moment ago."))
        person = existing or User.objects.create_user(invitation.email, password, name=name)
        if invitation.roles:
            give_roles(person, *invitation.roles)
        Invitation.objects.filter(pk=invitation.pk).update(accepted_by=person)
        for callback in _callbacks:
            callback(invitation, person)
        audit.record("invitation.accepted", invitation, person)
    return person


def institution_name() -> str:
    """Who writes: the home institution, as people know it."""
    home = Organization.objects.filter(is_home=True).values_list("name", flat=True).first()
    return home or _("The registrar's office")


@telling.letter("invitation")
def _invitation_letter(subject_id: str, recipient_id: str, arguments: dict[str, Any]) -> EmailMultiAlternatives | None:
    invitation = Invitation.objects.filter(
        public_id=subject_id, accepted_at=None, withdrawn_at=None, expires_at__gt=timezone.now()
    ).first()
    if invitation is None:
        return None
    context = {
        "institution": institution_name(),
        "link": link_of(invitation),
        "expires_at": invitation.expires_at,
        "is_staff": invitation.kind == Invitation.Kind.STAFF,
    }
    return telling.compose("invitation", invitation.email, context)
