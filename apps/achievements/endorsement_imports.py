"""Endorsements that others made: received as a file, judged like anything from outside, kept exactly as they came.

A file is JSON (an Endorsement, a list of them, or an object with `endorsements` and `signedEndorsements`), compact JWS
one a line, or a table (CSV) of what people told the office. The pages are those of every import.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.achievements import endorsing
from apps.achievements.endorsing import EndorsementRefused, Target
from apps.achievements.models import Achievement, Assertion, Endorsement, Endorser
from apps.institution import audit, files
from apps.jobs import running
from apps.jobs.models import Job
from apps.jobs.running import JobFailed, Progress
from apps.learners.importing import kinds
from apps.learners.models import ImportRun
from apps.network.fetching import Budget, GuardedFetcher
from apps.standards import moments, strict_json
from apps.standards.clr1 import model, read
from apps.standards.errors import StandardsError
from apps.standards.proofs import jws
from apps.standards.verify import engine
from apps.standards.verify.sources import Fetched, Fetcher
from apps.standards.verify.verdict import Result

PREVIEW, IMPORT, UNDO, CHECK = "endorsement-preview", "endorsement-import", "endorsement-undo", "endorsement-check"
MAX_BYTES, MAX_ITEMS, KEPT = 2_000_000, 500, 200
COLUMNS = ("target", "endorser", "url", "comment", "date")
SEEN_LIMIT = 200_000


# --- Judging ----------------------------------------------------------------------------------


class Recording:
    """A fetcher that remembers what it was answered, so that records can later be judged without the network."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self.seen: list[dict[str, Any]] = []

    def fetch(self, url: str, *, kind: str) -> Fetched:
        """The answer at an address, as the guarded fetcher gives it."""
        answer = self._fetcher.fetch(url, kind=kind)
        if answer.status == 200 and len(answer.body) <= SEEN_LIMIT:
            body = answer.body.decode("utf-8", "replace")
            self.seen.append({"url": url, "status": answer.status, "content_type": answer.content_type, "body": body})
        return Fetched(answer.status, answer.content_type, answer.body, url)


MakeFetcher = Callable[[], Fetcher]


def guarded() -> Fetcher:
    """The portal's own fetcher, with the budget of a job."""
    return GuardedFetcher.from_settings(Budget.in_a_job())


def judge(source: bytes, fetcher: Fetcher) -> tuple[Result, list[dict[str, Any]]]:
    """The verdict on an endorsement from outside, and what its endorser's addresses answered."""
    recording = Recording(fetcher)
    result = engine.verify(source, fetcher=recording, now=datetime.now(UTC))
    return result, recording.seen


def state_of(result: Result) -> tuple[str, str]:
    """What a verdict means for an endorsement, and why in one sentence where it does not hold."""
    state = {"valid": Endorsement.State.HOLDS, "undecided": Endorsement.State.UNCHECKED}.get(
        result.verdict, Endorsement.State.FAILS
    )
    return state, "" if state == Endorsement.State.HOLDS else result.sentence[:500]


def check_again(endorsement: Endorsement, *, by: Any, fetcher: Fetcher | None = None) -> None:
    """Judges a received endorsement anew: its endorser may have revoked it, or be reachable again."""
    if endorsement.is_ours:
        return
    result, seen = judge(bytes(endorsement.content), fetcher or guarded())
    state, problem = state_of(result)
    changes: dict[str, Any] = {"state": state, "problem": problem, "checked_at": timezone.now()}
    if state == Endorsement.State.HOLDS:
        changes["seen"] = seen
    with transaction.atomic():
        Endorsement.objects.filter(pk=endorsement.pk).update(**changes)
        if state != endorsement.state:
            audit.record("endorsement.checked", endorsement, by, state=state)


# --- Reading a file ---------------------------------------------------------------------------


@dataclass(slots=True)
class Item:
    """One endorsement of a file: ready to be stored, known already, or refused."""

    row: int
    target: Target | None = None
    endorsement: Endorsement | None = None
    content: bytes = b""
    told: dict[str, Any] | None = None
    """Of a table: what is made here when the import starts."""
    known: bool = False


@dataclass(slots=True)
class Reading:
    """What a file holds."""

    format: str = ""
    items: list[Item] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)

    def refuse(self, row: int, code: str, message: str, *, column: str = "", value: str = "") -> None:
        """Notes a fault."""
        self.errors.append(_finding(row, code, message, column, value))


def _finding(row: int, code: str, message: str, column: str = "", value: str = "") -> dict[str, Any]:
    shown = value if len(value) <= 120 else value[:119] + "…"
    return {"code": code, "file": "", "row": row or None, "column": column, "value": shown, "message": message}


def read_file(body: bytes, make_fetcher: MakeFetcher = guarded) -> Reading:
    """Takes a file apart and judges what is in it; nothing is stored. Never raises for its content."""
    found = Reading()
    if len(body) > MAX_BYTES:
        found.refuse(0, "endorsement.too-large", _("The file is larger than 2 MB; split it."))
        return found
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    try:
        if start in (b"{", b"["):
            found.format = "JSON"
            sources = list(_in_json(strict_json.loads(body)))
        elif all(jws.looks_like_jws(line) for line in _lines(body)) and _lines(body):
            found.format = "JWS"
            sources = [line.encode() for line in _lines(body)]
        else:
            found.format = "CSV"
            _read_table(body, found)
            return found
    except StandardsError as fault:
        found.refuse(0, "endorsement.unreadable", _("The file cannot be read: %s") % fault.sentence)
        return found
    if not sources:
        found.refuse(0, "endorsement.none", _("There is no endorsement in this file."))
    if len(sources) > MAX_ITEMS:
        found.refuse(0, "endorsement.too-many", _("The file holds more than 500 endorsements; split it."))
        return found
    for row, source in enumerate(sources, start=1):
        _read_one(row, source, found, make_fetcher)
    return found


def _lines(body: bytes) -> list[str]:
    return [line.strip() for line in body.decode("utf-8-sig", "replace").splitlines() if line.strip()]


def _in_json(document: Any) -> Iterator[bytes]:
    if isinstance(document, str):
        yield document.encode()
    elif isinstance(document, list):
        for each in document:
            yield from _in_json(each)
    elif isinstance(document, dict) and "claim" not in document:
        yield from _in_json([*_list(document, "endorsements"), *_list(document, "signedEndorsements")])
    elif isinstance(document, dict):
        yield orjson.dumps(document)


def _list(document: Mapping[str, Any], name: str) -> list[Any]:
    value = document.get(name)
    return value if isinstance(value, list) else []


def _read_one(row: int, source: bytes, found: Reading, make_fetcher: MakeFetcher) -> None:
    """One endorsement that somebody else signed or hosts."""
    is_signed = not source.startswith(b"{")
    try:
        said = strict_json.loads(jws.split(source).payload if is_signed else source)
    except StandardsError as fault:
        found.refuse(row, "endorsement.unreadable", _("It cannot be read: %s") % fault.sentence)
        return
    if not isinstance(said, dict) or not isinstance(said.get("claim"), dict):
        found.refuse(row, "endorsement.none", _("This is no endorsement: it has no claim."))
        return
    for finding in read.failures(read.check(said, model.Endorsement))[:5]:
        found.refuse(row, finding.code, finding.sentence, column=finding.at)
    if found.errors and found.errors[-1]["row"] == row:
        return
    typed = read.parse(said, model.Endorsement)
    assert typed.claim is not None and typed.issuer is not None and typed.issued_on is not None and typed.id is not None
    target = endorsing.target_at(typed.claim.id or "")
    if target is None:
        message = _(
            "It endorses nothing of this portal. Its claim must name an achievement, an issuer or an assertion."
        )
        found.refuse(row, "ENDORSEMENT_TARGET", message, column="/claim/id", value=typed.claim.id or "")
        return
    if endorsing.is_ours(typed.issuer.id or "") or endorsing.is_ours(typed.id):
        message = _("It says that it was made here. Endorsements of our own are made on the page for it.")
        found.refuse(row, "endorsement.ours", message, column="/issuer/id", value=typed.issuer.id or "")
        return
    known = Endorsement.objects.filter(document_id=typed.id).first()
    if known is not None:
        if bytes(known.content) == source:
            found.items.append(Item(row, target, known, source, known=True))
        else:
            message = _("Another endorsement with this id is stored already. An endorsement never changes.")
            found.refuse(row, "CONFLICTING_IDS", message, column="/id", value=typed.id)
        return
    result, seen = judge(source, make_fetcher())
    state, problem = state_of(result)
    if state == Endorsement.State.FAILS:
        code = next((check.code for check in result.failures() if check.code), "endorsement.invalid")
        found.refuse(row, code, problem)
        return
    if state == Endorsement.State.UNCHECKED:
        message = _("It could not be checked now, and goes into no record until it was: %s") % problem
        found.warnings.append(_finding(row, "endorsement.unchecked", message))
    name = typed.issuer.name or (result.issuer.name if result.issuer else None) or typed.issuer.id or ""
    moment = datetime.fromtimestamp(moments.read(typed.issued_on).nanoseconds / 1_000_000_000, UTC)
    endorsement = Endorsement(
        **{endorsing.KIND_OF[type(target)][0]: target},
        issuer_name=name[:1024],
        comment=typed.claim.endorsement_comment or "",
        issued_on=moment,
        is_signed=is_signed,
        document_id=typed.id,
        state=state,
        problem=problem,
        seen=seen,
        checked_at=timezone.now(),
    )
    found.items.append(Item(row, target, endorsement, source))


def _read_table(body: bytes, found: Reading) -> None:
    """What people told the office: each line becomes an endorsement that stands at an address of ours."""
    try:
        text = body.decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    except (UnicodeDecodeError, csv.Error):
        found.refuse(0, "endorsement.unreadable", _("The file is neither JSON, nor signed text, nor a table in UTF-8."))
        return
    names = set(rows[0]) if rows else set()
    if not {"target", "endorser"} <= names:
        columns = ", ".join(COLUMNS)
        message = _("A table needs the columns target and endorser; it may have: %s.") % columns
        found.refuse(1, "endorsement.columns", message)
        return
    if len(rows) > MAX_ITEMS:
        found.refuse(0, "endorsement.too-many", _("The file holds more than 500 endorsements; split it."))
        return
    for number, line in enumerate(rows, start=2):
        _read_line(number, {name: (line.get(name) or "").strip() for name in COLUMNS}, found)


def _read_line(number: int, line: dict[str, str], found: Reading) -> None:
    target = _named(line["target"])
    if target is None:
        message = _("No achievement has this code, and nothing of this portal this address.")
        found.refuse(number, "ENDORSEMENT_TARGET", message, column="target", value=line["target"])
    if not line["endorser"]:
        found.refuse(number, "endorsement.nobody", _("Say who endorses."), column="endorser")
    if line["url"] and not line["url"].startswith(("https://", "http://")):
        found.refuse(number, "endorsement.url", _("An address begins with https://."), column="url", value=line["url"])
    day = None
    if line["date"]:
        try:
            day = parse_date(line["date"])
        except ValueError:
            day = None
        if day is None or day > timezone.now().date() or day.year < 1900:
            message = _("A day is written as 2026-06-30 and does not lie ahead.")
            found.refuse(number, "endorsement.date", message, column="date", value=line["date"])
    if target is not None and not any(each["row"] == number for each in found.errors):
        moment = datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None
        found.items.append(Item(number, target, told={**line, "on": moment}))


def _named(text: str) -> Target | None:
    if "://" in text:
        return endorsing.target_at(text)
    matching = list(Achievement.objects.current().filter(human_code=text)[:2]) if text else []
    return matching[0] if len(matching) == 1 else None


# --- The steps of an import -------------------------------------------------------------------


def receive(chunks: Iterable[bytes], *, file_name: str, user: Any) -> ImportRun:
    """Stores an uploaded file under its digest and starts looking at it (SEC-35)."""
    digest, _size = files.put_chunks(chunks)
    run = ImportRun.objects.create(
        kind=ImportRun.Kind.ENDORSEMENTS, file_name=file_name[-255:], digest=digest, created_by=user
    )
    audit.record("import.received", run, user, digest=digest)
    look_at(run, user=user)
    return run


def look_at(run: ImportRun, *, user: Any, allow: bool = False) -> Job:
    """Starts the preview."""
    run.state = ImportRun.State.CHECKING
    return _start(PREVIEW, _("Preview of %(run)s"), run, user)


def start_import(run: ImportRun, *, user: Any) -> Job:
    """Starts the import of a file that was looked at; asked twice, it starts once (REL-10)."""
    return _start(IMPORT, _("Import of %(run)s"), run, user, nonce=f"endorsements-{run.public_id}-{run.job_id}")


def start_undo(run: ImportRun, *, user: Any) -> Job:
    """Starts taking an import back."""
    return _start(UNDO, _("Undoing the import of %(run)s"), run, user, nonce=f"endorsements-undo-{run.public_id}")


def _start(kind: str, title: str, run: ImportRun, user: Any, *, nonce: str | None = None) -> Job:
    run.job = running.start(
        kind, title % {"run": str(run.public_id)[:8]}, arguments={"run": run.pk}, user=user, nonce=nonce
    )
    run.save(update_fields=["job", "state"])
    return run.job


def _run_of(job: Job) -> ImportRun:
    return ImportRun.objects.get(pk=job.arguments["run"])


@running.kind(PREVIEW, queue="work")
def preview(job: Job, progress: Progress) -> None:
    """Reads and judges; stores nothing but what it found."""
    run = _run_of(job)
    if run.state in (ImportRun.State.APPLIED, ImportRun.State.UNDONE):
        return
    found = read_file(files.get(run.digest))
    run.format = found.format
    known = sum(item.known for item in found.items)
    run.counts = {"endorsements": len(found.items) + len({each["row"] for each in found.errors})}
    run.changes = {"endorsements": {"added": len(found.items) - known, "unchanged": known, "changed": 0, "ended": 0}}
    run.errors, run.warnings = found.errors[:KEPT], found.warnings[:KEPT]
    run.options = {**run.options, "errors_total": len(found.errors), "warnings_total": len(found.warnings)}
    run.state = ImportRun.State.REFUSED if found.errors else ImportRun.State.PREVIEWED
    run.save()
    if found.errors:
        codes = sorted({each["code"] for each in found.errors})
        audit.record("import.refused", run, job.created_by, digest=run.digest, codes=codes)


@running.kind(IMPORT, queue="work")
def import_(job: Job, progress: Progress) -> None:
    """Stores what is in the file, all or nothing."""
    run = _run_of(job)
    if run.state == ImportRun.State.APPLIED:
        return
    apply(run, read_file(files.get(run.digest)), by=job.created_by)


def apply(run: ImportRun, found: Reading, *, by: Any) -> int:
    """Stores what was read; gives how many are new. Raises `JobFailed`; then nothing was stored."""
    if found.errors:
        raise JobFailed(_("The import was refused and nothing was stored. Look at the file again to see why."))
    made = 0
    with transaction.atomic():
        for item in found.items:
            if item.known or item.target is None:
                continue
            if item.told is not None:
                _make(item.target, item.told, run, by)
            elif item.endorsement is not None:
                item.endorsement.import_run, item.endorsement.created_by = run, by
                endorsing.store(item.endorsement, item.content, by=by)
            made += 1
        run.state, run.applied_at = ImportRun.State.APPLIED, timezone.now()
        run.save(update_fields=["state", "applied_at"])
        audit.record("import.applied", run, by, digest=run.digest, endorsements=made)
    return made


def _make(target: Target, told: dict[str, Any], run: ImportRun, by: Any) -> None:
    endorser, _made = Endorser.objects.get_or_create(name=told["endorser"][:1024], url=told["url"][:200])
    try:
        endorsing.endorse(target, endorser=endorser, comment=told["comment"], on=told["on"], by=by, import_run=run)
    except EndorsementRefused as refusal:
        raise JobFailed(str(refusal)) from refusal


@running.kind(UNDO, queue="work")
def undo(job: Job, progress: Progress) -> None:
    """Revokes what an import brought; nothing is deleted, since issued records may hold it."""
    run = _run_of(job)
    if run.state == ImportRun.State.UNDONE:
        return
    with transaction.atomic():
        for each in Endorsement.objects.filter(import_run=run, revoked_at=None):
            endorsing.revoke(each, by=job.created_by, reason=_("The import that brought it was undone."))
        run.state, run.undone_at, run.undone_by = ImportRun.State.UNDONE, timezone.now(), job.created_by
        run.save(update_fields=["state", "undone_at", "undone_by"])
        audit.record("import.undone", run, job.created_by)


@running.kind(CHECK, queue="work")
def check(job: Job, progress: Progress) -> None:
    """Judges received endorsements anew."""
    chosen = Endorsement.objects.filter(pk__in=job.arguments["endorsements"])
    for done, each in enumerate(chosen, start=1):
        check_again(each, by=job.created_by)
        progress.update(done=done)


def start_check(endorsements: Iterable[int], *, user: Any) -> Job:
    """Starts judging received endorsements anew."""
    chosen = list(endorsements)
    return running.start(
        CHECK, _("Check of endorsements"), arguments={"endorsements": chosen}, total=len(chosen), user=user
    )


def consequences(run: ImportRun) -> Mapping[Any, int]:
    """How many are revoked when the import is taken back."""
    count = Endorsement.objects.filter(import_run=run, revoked_at=None).count()
    return {Endorsement._meta.verbose_name_plural: count} if count else {}


def reasons_against(run: ImportRun) -> list[str]:
    """Nothing forbids it: what was issued keeps what it says."""
    return []


def _endorsed_of_import(run: ImportRun) -> list[str]:
    """Why student data cannot be undone: somebody endorsed what was earned by it."""
    from apps.learners import importing
    from apps.learners.models import Course, CourseSection, Enrollment, Learner

    going = {model: importing.added_by(run, model).values("pk") for model in (Learner, CourseSection, Enrollment)}
    derived = Assertion.objects.none()
    for name, kind in (("learner", Learner), ("section", CourseSection), ("enrollment", Enrollment)):
        derived = derived | Assertion.objects.filter(**{f"{name}__in": going[kind]})
    count = Endorsement.objects.filter(assertion__in=derived).count()
    courses = importing.added_by(run, Course).values("pk")
    count += Endorsement.objects.filter(achievement__course__in=courses).count()
    return [_("%d endorsements are of what it brought.") % count] if count else []


def register() -> None:
    """Tells the office's pages of imports."""
    from apps.learners import importing

    importing.register_dependency(_endorsed_of_import)
    kinds.register(
        ImportRun.Kind.ENDORSEMENTS,
        kinds.ImportWork(
            look_at=look_at,
            start=start_import,
            undo=start_undo,
            reasons_against=reasons_against,
            consequences=consequences,
            allow_words="",
            source_words=gettext_lazy("Endorsements"),
        ),
    )
