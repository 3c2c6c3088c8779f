"""Whether strangers may read a record: its learner's choice alone, taken back at any time (PRIV-03, I4)."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.institution import audit
from apps.issuance.models import Publicity, Record


class PublicityRefused(Exception):
    """The record cannot be shown to everybody; the text tells the learner why."""


def is_public(record: Record) -> bool:
    """Whether anybody with its address may read it now."""
    return Record.objects.public().filter(pk=record.pk).exists()


def show(record: Record, *, by: Any) -> None:
    """Lets anybody who has its address read the record. Raises `PublicityRefused`."""
    if record.learner.user_id is None or record.learner.user_id != by.pk:
        raise PublicityRefused(_("Only the learner decides who may read a record."))
    if record.learner.withholds_directory:
        raise PublicityRefused(
            _("You asked the office to withhold your directory information, so nothing of you is shown in public.")
        )
    if record.state not in {Record.State.ISSUED, Record.State.SUPERSEDED}:
        raise PublicityRefused(_("Only a record that holds can be shown."))
    _set(record, True, by)


def hide(record: Record, *, by: Any) -> None:
    """Makes the record private again, at once. Raises `PublicityRefused`."""
    if record.learner.user_id is None or record.learner.user_id != by.pk:
        raise PublicityRefused(_("Only the learner decides who may read a record."))
    _set(record, False, by)


def _set(record: Record, public: bool, by: Any) -> None:
    with transaction.atomic():
        kept, made = Publicity.objects.select_for_update().get_or_create(record=record)
        if kept.is_public == public and not made:
            return
        kept.is_public = public
        kept.save(update_fields=["is_public", "changed_at"])
        audit.record("record.shown" if public else "record.hidden", record, by)
