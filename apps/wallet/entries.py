"""The achievements that a document names, whatever its standard: read once, when it comes in, for the dashboard."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from apps.issuance import documents, showing
from apps.issuance.models import Record
from apps.issuance.reading import read_earned, read_record
from apps.issuance.record_view import AlignmentView, EntryView, RecordView
from apps.learners.models import Learner, searchable
from apps.standards import moments
from apps.standards.errors import StandardsError
from apps.standards.verify.recognise import clr1_kind, format_of, recognise
from apps.verification.showing import plain
from apps.wallet.models import WalletEntry, WalletItem, WalletSkill
from apps.wallet.shown import document_in

MOST_ENTRIES = 1_000
MOST_SKILLS = 50
MOST_AT_ONCE = 50
"""How many documents a visit reads at most that were not read when they came."""
_KIND = {"ob-2.0": "Badge", "ob-3.0": "Badge"}


@dataclass(frozen=True, slots=True)
class Skill:
    """A statement of a framework, as a document names it."""

    name: str
    code: str = ""
    url: str = ""
    framework: str = ""

    @property
    def key(self) -> str:
        """The same for everybody who aligned to the same statement: by its address, else by code and name."""
        said = self.url.rstrip("/") or f"{self.framework.casefold()}\n{self.code.casefold()}\n{searchable(self.name)}"
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Found:
    """One achievement as a document names it; texts may be empty."""

    name: str
    kind: str
    issuer: str = ""
    issued_on: datetime | None = None
    code: str = ""
    result: str = ""
    anchor: str = ""
    skills: tuple[Skill, ...] = ()


def found_in(document: dict[str, Any]) -> list[Found]:
    """The achievements of a document of any standard. Never raises for what stands in it."""
    format = format_of(document) if document else ""
    if format == "clr-1.0":
        if clr1_kind(document) == "record":
            return list(_of_record(read_record(document)))[:MOST_ENTRIES]
        try:
            return [_of_entry(read_earned(document))]
        except ValueError:
            return []
    return list(_of_credential(document, _KIND.get(format, "Achievement"), 0))[:MOST_ENTRIES]


def _of_record(view: RecordView) -> Iterator[Found]:
    for section in view.sections:
        for entry in (*section.entries, *(row for term in section.terms for row in term.rows)):
            yield _of_entry(entry, view)


def _of_entry(entry: EntryView, view: RecordView | None = None) -> Found:
    issuer = entry.source or entry.issuer or (view.publisher if view else None)
    moment = entry.issued_on or entry.ended_on or (view.issued_on if view else None)
    aligned = [*entry.alignments, *(each for result in entry.results for each in result.alignments)]
    return Found(
        name=plain(str(entry.name.value)),
        kind=entry.kind,
        issuer=plain(str(issuer.name.value)) if issuer else "",
        issued_on=_aware(moment.when) if moment else None,
        code=plain(entry.code or ""),
        result=plain(entry.grade or entry.score or entry.status or ""),
        anchor=entry.anchor,
        skills=tuple(_skill_of(each) for each in aligned[:MOST_SKILLS]),
    )


def _skill_of(each: AlignmentView) -> Skill:
    framework = plain(str(each.framework.value)) if each.framework else ""
    return Skill(plain(str(each.name.value)), plain(each.code or ""), each.url or "", framework)


def _of_credential(document: dict[str, Any], kind: str, depth: int) -> Iterator[Found]:
    """Open Badges 2.0 and 3.0, and the credentials that a CLR 2.0 carries."""
    subject = document.get("credentialSubject")
    subjects = [each for each in (subject if isinstance(subject, list) else [subject]) if isinstance(each, dict)]
    carried = [each.get("verifiableCredential") for each in subjects]
    inner = [each for every in carried if isinstance(every, list) for each in every]
    if inner and depth == 0:
        for each in inner:
            if opened := _opened(each):
                yield from _of_credential(opened, "Achievement", depth + 1)
        return
    about = next((each["achievement"] for each in subjects if isinstance(each.get("achievement"), dict)), None)
    about = about or document.get("badge")
    if not isinstance(about, dict):
        return
    issuer = about.get("issuer") if isinstance(about.get("issuer"), dict) else document.get("issuer")
    aligned = about.get("alignment") or ()
    told = about.get("achievementType")
    moment = document.get("issuedOn") or document.get("validFrom") or document.get("issuanceDate")
    yield Found(
        name=_text(about.get("name")),
        kind=_text(told[0] if isinstance(told, list) and told else told) or kind,
        issuer=_text(issuer.get("name")) if isinstance(issuer, dict) else "",
        issued_on=_moment(moment),
        code=_text(about.get("humanCode")),
        skills=tuple(
            Skill(
                _text(each.get("targetName")),
                _text(each.get("targetCode")),
                _text(each.get("targetUrl")),
                _text(each.get("targetFramework")),
            )
            for each in (aligned if isinstance(aligned, list) else [aligned])[:MOST_SKILLS]
            if isinstance(each, dict)
        ),
    )


def _opened(inner: Any) -> dict[str, Any]:
    """A credential inside another: plain, as a signed text, or in an envelope of VCDM 2.0."""
    if isinstance(inner, dict) and isinstance(inner.get("id"), str) and inner["id"].startswith("data:"):
        inner = inner["id"].partition(",")[2]
    if isinstance(inner, str):
        try:
            inner = recognise(inner.encode("utf-8", "surrogatepass")).value
        except StandardsError:
            return {}
    return inner if isinstance(inner, dict) else {}


def _text(value: Any) -> str:
    if isinstance(value, dict):
        value = next(iter(value.values()), "")
    return plain(value) if isinstance(value, str) else ""


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(moments.read(value).seconds, UTC) if isinstance(value, str) else None
    except (StandardsError, ValueError, OverflowError, OSError):  # a year that no calendar here has
        return None


def _aware(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


# --- Keeping ------------------------------------------------------------------------------------


def index_item(item: WalletItem, document: dict[str, Any] | None = None) -> None:
    """Put what an item is about in the place of what stood there; an item that names nothing is one entry itself."""
    if item.state == WalletItem.State.DELETED:
        WalletEntry.objects.filter(item=item).delete()
        return
    if document is None:
        document = document_in(*item.judged)
    alone = Found(name=plain(item.title), kind="Achievement", issuer=plain(item.issuer_name), issued_on=item.issued_on)
    _store(found_in(document) or [alone], learner=item.learner, item=item, otherwise=alone)


def index_record(record: Record) -> None:
    """The same for a record that this institution issued."""
    alone = Found(name=str(showing.shown(record).title), kind="Achievement")
    try:
        found = list(_of_record(showing.view_of(record)))[:MOST_ENTRIES]
    except documents.DocumentUnavailable:
        found = []
    _store(found or [alone], learner=record.learner, record=record, otherwise=alone)


def _store(
    found: list[Found],
    *,
    learner: Learner,
    otherwise: Found,
    item: WalletItem | None = None,
    record: Record | None = None,
) -> None:
    with transaction.atomic():
        WalletEntry.objects.filter(item=item, record=record).delete()
        entries = WalletEntry.objects.bulk_create(
            WalletEntry(
                learner=learner,
                item=item,
                record=record,
                position=position,
                anchor=each.anchor[:64],
                name=each.name or otherwise.name,
                kind=each.kind[:64],
                code=each.code[:255],
                result=each.result[:64],
                issuer_name=each.issuer or otherwise.issuer,
                issued_on=each.issued_on or otherwise.issued_on,
                search_text=searchable(
                    each.name, each.code, each.issuer or otherwise.issuer, *(skill.name for skill in each.skills)
                ),
            )
            for position, each in enumerate(found)
        )
        skills = {
            (entry.pk, skill.key): WalletSkill(
                entry=entry, key=skill.key, name=skill.name, code=skill.code[:255], framework=skill.framework
            )
            for entry, each in zip(entries, found, strict=True)
            for skill in each.skills
            if skill.name
        }
        WalletSkill.objects.bulk_create(skills.values(), batch_size=500)


def index_missing(learner: Learner) -> None:
    """Read what nobody has read yet: records that were issued since the last visit."""
    records = Record.objects.filter(
        learner=learner, state__in=(Record.State.ISSUED, Record.State.REVOKED), wallet_entries=None
    )
    for record in records.select_related("learner", "snapshot")[:MOST_AT_ONCE]:
        index_record(record)
    for item in WalletItem.objects.filter(learner=learner, entries=None).kept()[:MOST_AT_ONCE]:
        index_item(item)
