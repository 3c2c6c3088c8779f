"""A result as people read it: one sentence, who issued it to whom, and the steps in plain words.

Everything that comes out of a document is text of a stranger: direction overrides are taken out (SEC-32), and
the issuer is shown by host, which was checked, beside the name, which the document only claims.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import idna
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from apps.issuance.reading import read_record
from apps.issuance.record_view import RecordView
from apps.standards.verify.verdict import Check, Party, Result

_CONTROLS = re.compile("[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]")
MAX_EVIDENCE = 300

FORMATS: Mapping[str, Promise] = {
    "clr-1.0": _("Comprehensive Learner Record 1.0"),
    "clr-2.0": _("Comprehensive Learner Record 2.0"),
    "ob-2.0": _("Open Badge 2.0"),
    "ob-3.0": _("Open Badge 3.0"),
}
#: What each step asks, by the stable name of the check.
STEPS: Mapping[str, Promise] = {
    "input": _("Can it be read?"),
    "image": _("Does the picture carry a badge?"),
    "qr_code": _("Does the picture show a code?"),
    "attachment": _("Does the file carry one record?"),
    "algorithm": _("Is the signature of a kind that is safe?"),
    "context": _("Does it follow the standard it names?"),
    "type": _("Is it what it says it is?"),
    "properties": _("Are all its parts in order?"),
    "identifiers": _("Does each part have a name of its own?"),
    "references": _("Do its parts fit together?"),
    "content": _("Is there a record in it?"),
    "payload": _("Is it one record?"),
    "signer_profile": _("Does the issuer exist at its own address?"),
    "issuer": _("Who is the issuer?"),
    "verification_type": _("Does it say how it can be checked?"),
    "key": _("Does the key belong to the issuer?"),
    "signature": _("Is it unaltered since it was signed?"),
    "proof": _("Is it unaltered since it was signed?"),
    "hosted_document": _("Does the issuer show the same document?"),
    "hosted_scope": _("Does its address belong to the issuer?"),
    "revocation": _("Does it still stand, not revoked?"),
    "revoked": _("Does it still stand, not revoked?"),
    "status": _("Does it still stand, not revoked?"),
    "dates": _("Are its dates in order?"),
    "validity": _("Is it valid at this time?"),
    "recipients": _("Was everything in it awarded to this person?"),
    "expected_recipient": _("Is it about the person you expect?"),
    "endorsement_targets": _("Do endorsements speak of this record?"),
    "own_record": _("Does it agree with what this portal issued?"),
    "schema": _("Are all its parts in order?"),
    "holder": _("Who shows it?"),
    "refresh": _("Is there a newer copy?"),
    "claims": _("Does the token agree with what it carries?"),
    "subject": _("Is everything in it about one person?"),
    "associations": _("Do its achievements hang together?"),
    "completeness": _("Does it claim to be complete?"),
    "endorsement": _("Do its endorsements hold?"),
    "badge_class": _("What is the badge for?"),
    "issuer_profile": _("Does the issuer exist at its own address?"),
    "images": _("Does its picture load?"),
    "extensions": _("Are its extensions in order?"),
    "fetch": _("Does anything stand at the address?"),
    "nested": _("Do the parts inside hold?"),
}
#: How the verifier's verdict begins; what it saw follows in its own words.
VERDICT_FRAMES = (
    gettext_noop("The record is genuine: all checks passed."),
    gettext_noop("The record is genuine, with a reservation:"),
    gettext_noop("Do not rely on this record:"),
    gettext_noop("It could not be decided whether the record is genuine: nothing vouches for it."),
    gettext_noop("It could not be decided whether the record is genuine:"),
)

#: What would decide a question that was left open, by the code that left it open.
DECIDED_BY: Mapping[str, Promise] = {
    "FETCH_FAILED": _("It can be decided once the issuer's address answers. Try again later, or ask the issuer."),
    "KEY_UNAVAILABLE": _("It can be decided once the issuer's key can be looked up. Ask the issuer where it stands."),
    "STATUS_UNAVAILABLE": _(
        "It can be decided once the issuer's list of revoked records answers. Try again later, or ask the issuer."
    ),
    "CONTEXT_UNAVAILABLE": _(
        "It can be decided by a verifier that knows the vocabulary it uses; the operator of this one can allow it."
    ),
    "NOT_VERIFIABLE": _(
        "Only a signed copy, or one that stands at its issuer's address, can be checked. Ask for that."
    ),
    "SIGNATURE_MISSING": _("The signed form can be checked: ask the sender for the file with the signature."),
    "PROOF_MISSING": _("Only a signed copy can be checked: ask the sender for the file with the signature."),
    "NOT_DECIDED": _("This check stopped at its limits. Check the parts one by one, or ask the issuer."),
}
STATUS_WORDS: Mapping[str, Promise] = {
    "passed": _("passed"),
    "failed": _("failed"),
    "warning": _("warning"),
    "skipped": _("not checked"),
}


@dataclass(frozen=True)
class StepView:
    """One check: the question, how it ended, the sentence, and what was looked at."""

    label: str | Promise
    status: str
    status_word: str | Promise
    detail: str
    code: str
    evidence: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class PartyView:
    """An issuer or learner: the name as given, and the host (in ASCII) or id that stands for it."""

    name: str
    host: str
    id: str


@dataclass(frozen=True)
class ResultView:
    """A result with its nested results, made ready for a page or a printed report."""

    verdict: str
    sentence: str
    format: str | Promise
    kind: str
    subject: str
    issuer: PartyView | None
    learner: PartyView | None
    superseded_by: str
    steps: tuple[StepView, ...]
    nested: tuple[ResultView, ...]
    record: RecordView | None = None
    decided_by: str | Promise = ""

    @property
    def has_open_steps(self) -> bool:
        """Whether a step did not simply pass, so that the steps are shown unfolded."""
        return any(step.status in {"failed", "warning"} for step in self.steps)


def view_of(result: Result, *, with_record: bool = True) -> ResultView:
    """The view of a result; ``with_record`` adds the content of a CLR 1.0 record that was judged."""
    return ResultView(
        verdict=result.verdict,
        sentence=_sentence(result),
        format=FORMATS.get(result.format, ""),
        kind=plain(result.kind),
        subject=plain(result.subject or ""),
        issuer=_party(result.issuer),
        learner=_party(result.learner),
        superseded_by=plain(result.superseded_by or ""),
        steps=tuple(_step(check) for check in result.checks),
        nested=tuple(view_of(nested, with_record=False) for nested in result.credentials),
        record=_record(result) if with_record else None,
        decided_by=_decided_by(result),
    )


def plain(text: str) -> str:
    """Text of a stranger without control characters and direction overrides (SEC-32)."""
    return _CONTROLS.sub("", text)


def host_of(id: str) -> str:
    """The host that an id lives on, in ASCII (punycode); empty where the id has none."""
    if id.startswith("did:web:"):
        host = id.removeprefix("did:web:").partition(":")[0].replace("%3A", ":").replace("%3a", ":")
    else:
        try:
            parts = urlsplit(id)
            host = parts.netloc.rpartition("@")[2] if parts.scheme in {"http", "https"} else ""
        except ValueError:
            return ""
    try:
        return host.lower() if host.isascii() else idna.encode(host, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return host.encode("ascii", "backslashreplace").decode("ascii")


def _sentence(result: Result) -> str:
    if result.readable:
        frame = next((frame for frame in VERDICT_FRAMES if result.sentence.startswith(frame)), "")
        return plain(gettext(frame) + result.sentence.removeprefix(frame) if frame else result.sentence)
    fault = next((check.detail for check in result.failures()), "")
    return plain(gettext("This could not be read as a record. %(fault)s") % {"fault": fault})


def _decided_by(result: Result) -> str | Promise:
    """What would settle a result that is undecided; empty for one that is settled."""
    if result.verdict != "undecided":
        return ""
    first = next(iter(result.failures()), None)
    return DECIDED_BY.get((first.code or "") if first else "NOT_VERIFIABLE", "")


def _party(party: Party | None) -> PartyView | None:
    if party is None:
        return None
    id = plain(party.id or "")
    return PartyView(name=plain(party.name or ""), host=plain(host_of(id)), id=id)


def _step(check: Check) -> StepView:
    name, _slash, _place = check.name.partition("/")
    label = STEPS.get(check.name) or STEPS.get(name) or _("Part inside: %(name)s") % {"name": plain(check.name)}
    return StepView(
        label=label,
        status=check.status,
        status_word=STATUS_WORDS[check.status],
        detail=plain(check.detail),
        code=plain(check.code or ""),
        evidence=tuple(
            (plain(str(key)), _evidence(value)) for key, value in check.evidence.items() if value not in (None, "")
        ),
    )


def _evidence(value: Any) -> str:
    text = plain(value if isinstance(value, str) else str(value))
    return text if len(text) <= MAX_EVIDENCE else text[:MAX_EVIDENCE] + "…"


def _record(result: Result) -> RecordView | None:
    """What the record says, for one that was judged and can be laid out; never for one that is not valid."""
    if result.verdict != "valid" or result.format != "clr-1.0" or result.kind != "record":
        return None
    return read_record(result.document) if isinstance(result.document, dict) else None
