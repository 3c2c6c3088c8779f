"""Letters of this room, and the way they leave.

The outbox stands above this room, so it registers itself here at start (`deliver_through`): a letter is noted within
the transaction that makes it true, and composed only when it is sent (REL-09). Letters carry nothing private (PRIV-10).
"""

from collections.abc import Callable
from typing import Any, Protocol

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation

Compose = Callable[[str, str, dict[str, Any]], EmailMultiAlternatives | None]


class Put(Protocol):
    """How the outbox takes a notice: kind, public id of what it tells of, public id of whom it tells."""

    def __call__(self, kind: str, subject_id: Any, recipient_id: Any, **arguments: Any) -> None: ...


LETTERS: dict[str, Compose] = {}
"""Kinds of letters of this room by name; the outbox sends what they compose, and nothing where they give None."""

_puts: list[Put] = []


def letter(kind: str) -> Callable[[Compose], Compose]:
    """Names how a kind of letter is composed."""

    def register(compose: Compose) -> Compose:
        LETTERS[kind] = compose
        return compose

    return register


def deliver_through(put: Put) -> None:
    """Called by the outbox when the portal starts."""
    _puts[:] = [put]


def tell(kind: str, subject_id: Any, recipient_id: Any, **arguments: Any) -> None:
    """Notes that somebody must be told; call it in the transaction that makes it true."""
    for put in _puts:
        put(kind, subject_id, recipient_id, **arguments)


def compose(template: str, to: str, context: dict[str, Any], *, language: str = "") -> EmailMultiAlternatives:
    """A letter in plain text and HTML from `mail/<template>.txt` and `.html`; the text's first line is the subject.

    The subject is one line whatever stands in names (SEC-63).
    """
    with translation.override(language or settings.LANGUAGE_CODE):
        text = render_to_string(f"mail/{template}.txt", context)
        page = render_to_string(f"mail/{template}.html", context)
    subject, _, body = text.lstrip().partition("\n")
    mail = EmailMultiAlternatives(" ".join(subject.split()), body.strip() + "\n", to=[to])
    mail.attach_alternative(page, "text/html")
    return mail
