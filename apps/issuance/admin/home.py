"""The office's first page: what waits, how the term stands, the next sensible steps, and one search over it all.

Everything is counted by a constant number of queries, however large the institution is.
"""

import unicodedata
import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.permissions import Role, has_role
from apps.accounts.site import OFFICE
from apps.achievements.models import Achievement, Assertion
from apps.institution.models import AuditEntry, SigningKey
from apps.issuance import drafting
from apps.issuance.models import Batch, Record, RecordStep, Revocation, SigningWork
from apps.jobs.models import Job
from apps.learners.models import MOST_WORDS, AcademicSession, ImportRun, Learner

RECENT = timedelta(days=14)
"""How long something that went wrong stays on the first page."""
KEY_AGE = timedelta(days=335)
"""A signing key is replaced after a year; a month before, the page says so."""
MOST_LETTERS = 200
SHOWN = 8
"""Found things of each kind on the page of the search."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits for this person: how many, what, and where to go."""

    count: int
    words: str
    href: str
    icon: str
    kind: str = "note"
    """`note`, `caution` or `bad`; never told by colour alone."""


@dataclass(frozen=True, slots=True)
class Step:
    """A button for a sensible next step."""

    label: str
    href: str
    icon: str


def home(request: HttpRequest) -> dict[str, Any]:
    """What the first page shows this person."""
    user = request.user
    if not _is_office(user):
        return {"waiting": [], "steps": [], "is_office": False}
    registrar, approver, administrator = (has_role(user, role) for role in (Role.REGISTRAR, Role.APPROVER, Role.ADMIN))
    everything = bool(getattr(user, "is_superuser", False))
    waiting: list[Waiting] = []
    if registrar or approver or everything:
        waiting += _records_waiting(approver or everything, registrar or everything)
    if registrar or everything:
        waiting += [*_batches_waiting(), *_imports_waiting(), *_problems_waiting()]
    waiting += _keys_waiting(administrator or everything)
    return {
        "waiting": waiting,
        "steps": _steps(registrar or everything, administrator or everything),
        "figures": _figures(),
        "trail": _trail() if administrator or everything else (),
        "is_office": True,
    }


def _is_office(user: Any) -> bool:
    return bool(getattr(user, "is_superuser", False)) or has_role(user, *OFFICE)


def _list(model: str, **query: Any) -> str:
    address = reverse(f"admin:{model}_changelist")
    return f"{address}?{urlencode(query)}" if query else address


# --- what waits --------------------------------------------------------------------------------


def _records_waiting(approver: bool, registrar: bool) -> list[Waiting]:
    """Records that a person must take a step further."""
    counts = dict(Record.objects.values_list("state").annotate(Count("pk")).order_by())
    found = []
    if approver and (n := counts.get(Record.State.IN_REVIEW, 0)):
        words = ngettext("record waits for approval", "records wait for approval", n)
        found.append(Waiting(n, words, _list("issuance_record", state__exact="in_review"), "eye"))
    if registrar and (n := counts.get(Record.State.APPROVED, 0)):
        words = ngettext("record is approved and not issued", "records are approved and not issued", n)
        found.append(Waiting(n, words, _list("issuance_record", state__exact="approved"), "stamp"))
    if registrar:
        stale = Record.objects.stale().count()
        if stale:
            words = ngettext(
                "draft is built on something that changed since",
                "drafts are built on something that changed since",
                stale,
            )
            found.append(Waiting(stale, words, _list("issuance_record", stale="yes"), "refresh-cw", "caution"))
    return found


def _batches_waiting() -> list[Waiting]:
    """Batches with failures, and batches that were held or are half done."""
    state = SigningWork.State
    open_work = SigningWork.objects.filter(state__in=[state.FAILED, state.QUEUED, state.LEASED], batch__isnull=False)
    batches = (
        Batch.objects.filter(pk__in=open_work.values("batch"))
        .exclude(state=Batch.State.CANCELLED)
        .annotate(
            failed=Count("work", filter=Q(work__state=state.FAILED)),
            left=Count("work", filter=Q(work__state__in=[state.QUEUED, state.LEASED])),
        )
        .order_by("-pk")
    )
    found = []
    for batch in batches[:10]:
        href = reverse("admin:issuance_batch_change", args=[batch.pk])
        if batch.failed:
            words = ngettext(
                "record failed in the batch %(title)s", "records failed in the batch %(title)s", batch.failed
            )
            found.append(Waiting(batch.failed, words % {"title": batch.title}, href, "octagon-alert", "bad"))
        if batch.left and batch.state == Batch.State.PAUSED:
            words = ngettext(
                "record waits in the held batch %(title)s", "records wait in the held batch %(title)s", batch.left
            )
            found.append(Waiting(batch.left, words % {"title": batch.title}, href, "pause", "caution"))
        elif batch.left:
            words = ngettext(
                "record is still to be issued in %(title)s", "records are still to be issued in %(title)s", batch.left
            )
            found.append(Waiting(batch.left, words % {"title": batch.title}, href, "loader"))
    return found


def _imports_waiting() -> list[Waiting]:
    """Imports that were looked at and not started, and recent ones that were refused or say something to look at."""
    since = timezone.now() - RECENT
    said = Q(state__in=[ImportRun.State.APPLIED, ImportRun.State.REFUSED], created_at__gte=since)
    runs = (
        ImportRun.objects.filter(
            Q(state=ImportRun.State.PREVIEWED) | (said & (~Q(warnings=[]) | Q(state=ImportRun.State.REFUSED)))
        )
        .only("pk", "state", "file_name", "options", "warnings")
        .order_by("-pk")[:6]
    )
    found = []
    for run in runs:
        href = reverse("admin:learners_importrun_change", args=[run.pk])
        warnings = int(run.options.get("warnings_total") or len(run.warnings))
        if run.state == ImportRun.State.PREVIEWED:
            words = _("import of %(file)s is ready to start") % {"file": run.file_name}
            found.append(Waiting(1, words, href, "upload"))
        elif run.state == ImportRun.State.REFUSED:
            words = _("import of %(file)s was refused") % {"file": run.file_name}
            found.append(Waiting(1, words, href, "octagon-alert", "bad"))
        else:
            words = ngettext("warning in the import of %(file)s", "warnings in the import of %(file)s", warnings)
            found.append(Waiting(warnings, words % {"file": run.file_name}, href, "triangle-alert", "caution"))
    return found


def _problems_waiting() -> list[Waiting]:
    """Results that no record can hold as they are, and background work that failed."""
    found = []
    if n := Assertion.objects.standing().exclude(problem="").count():
        words = ngettext("result needs a correction at its source", "results need a correction at their source", n)
        found.append(Waiting(n, words, _list("achievements_assertion", problem="yes"), "triangle-alert", "caution"))
    failed = Job.objects.filter(state=Job.State.FAILED, created_at__gte=timezone.now() - RECENT)
    if n := failed.count():
        words = ngettext("piece of background work failed", "pieces of background work failed", n)
        found.append(Waiting(n, words, _list("jobs_job", state__exact="failed"), "octagon-alert", "bad"))
    return found


def _keys_waiting(administrator: bool) -> list[Waiting]:
    """Signing keys that grow old, or are not there."""
    active = list(
        SigningKey.objects.filter(state=SigningKey.State.ACTIVE).only("algorithm", "activated_at", "created_at")
    )
    href = _list("institution_signingkey") if administrator else ""
    found = []
    if not active:
        found.append(Waiting(0, _("signing keys are in use; nothing can be issued"), href, "key-round", "bad"))
    for key in active:
        since = key.activated_at or key.created_at
        if timezone.now() - since > KEY_AGE:
            words = _("signing key (%(kind)s) is to be replaced by %(day)s") % {
                "kind": key.algorithm,
                "day": (since + timedelta(days=365)).date().isoformat(),
            }
            found.append(Waiting(1, words, href, "key-round", "caution"))
    return found


# --- figures, steps, trail ------------------------------------------------------------------------


def current_term(today: date) -> AcademicSession | None:
    """The term that runs, else the one that began last."""
    kinds = [AcademicSession.Type.TERM, AcademicSession.Type.SEMESTER]
    begun = AcademicSession.objects.filter(type__in=kinds, start_date__lte=today, ended_at=None)
    return begun.order_by("-start_date", "-end_date", "pk").first()


def _figures() -> dict[str, Any]:
    """Learners of the term, open drafts, and what was issued and revoked since it began."""
    term = current_term(timezone.localdate())
    since = term.start_date if term is not None else timezone.localdate().replace(month=1, day=1)
    learners = drafting.learners_of_term(term) if term is not None else Learner.objects.filter(ended_at=None)
    issued = RecordStep.objects.filter(to_state=Record.State.ISSUED, at__date__gte=since).count()
    revoked = Revocation.objects.filter(record__isnull=False, at__date__gte=since).count()
    drafts = Record.objects.filter(state=Record.State.DRAFT).count()
    return {
        "term": term,
        "since": since,
        "rows": [
            (learners.count(), _("learners"), _list("learners_learner")),
            (drafts, _("open drafts"), _list("issuance_record", state__exact="draft")),
            (issued, _("issued"), _list("issuance_record", state__exact="issued")),
            (revoked, _("revoked"), _list("issuance_record", state__exact="revoked")),
        ],
    }


def _steps(registrar: bool, administrator: bool) -> list[Step]:
    steps = []
    if registrar:
        steps += [
            Step(_("Import student data"), reverse("admin:learners_importrun_upload"), "upload"),
            Step(_("Records of a class"), reverse("admin:issuance_batch_class"), "users"),
            Step(_("Begin a record"), reverse("admin:issuance_record_add"), "file-plus"),
            Step(_("Award to many"), reverse("admin:achievements_award_add"), "award"),
        ]
    if administrator:
        steps += [
            Step(_("Signing keys"), _list("institution_signingkey"), "key-round"),
            Step(_("People with a sign-in"), _list("accounts_user"), "user-cog"),
            Step(_("Assign advisors"), _list("learners_advisorassignment"), "handshake"),
            Step(_("Audit trail"), _list("institution_auditentry"), "history"),
        ]
    return steps


def _trail() -> list[AuditEntry]:
    """The newest entries of the audit trail."""
    return list(AuditEntry.objects.select_related("actor").order_by("-seq")[:8])


# --- search -----------------------------------------------------------------------------------------


def find(request: HttpRequest) -> HttpResponse:
    """Learners, records and achievements that hold every word; what this person may see, and no more (SEC-51)."""
    if not _is_office(request.user):
        raise PermissionDenied
    asked = " ".join(unicodedata.normalize("NFC", request.GET.get("q", "").replace("\x00", " ")).split())  # SEC-32
    query = " ".join(asked.split()[:MOST_WORDS])[:MOST_LETTERS].strip()
    context: dict[str, Any] = {**admin.site.each_context(request), "title": _("Search"), "query": query}
    if query != asked:
        sentence = _("Only the beginning was looked for: at most %(words)d words and %(letters)d letters.")
        context["cut"] = sentence % {"words": MOST_WORDS, "letters": MOST_LETTERS}
    if query:
        learners = Learner.objects.visible_to(request.user).filter(merged_into=None).matching(query)
        named = Q(learner__in=Learner.objects.matching(query).values("pk"))
        records = Record.objects.visible_to(request.user).filter(named | Q(code=query.lower()) | _public_id_is(query))
        achievements = Achievement.objects.current().matching(query)
        context["learners"] = _part(learners.select_related("program"), "learners_learner", query)
        context["records"] = _part(
            records.select_related("learner", "draft", "snapshot").defer("snapshot__content").order_by("-pk"),
            "issuance_record",
            query,
        )
        context["achievements"] = _part(
            achievements.select_related("issuer").order_by("name", "pk"), "achievements_achievement", query
        )
        context["found"] = any(context[name]["rows"] for name in ("learners", "records", "achievements"))
    return render(request, "admin/issuance/search.html", context)


def _part(rows: Any, model: str, query: str) -> dict[str, Any]:
    first = list(rows[: SHOWN + 1])
    return {"rows": first[:SHOWN], "all": _list(model, q=query) if len(first) > SHOWN else ""}


def _public_id_is(text: str) -> Q:
    try:
        return Q(public_id=uuid.UUID(text))
    except ValueError:
        return Q(pk__in=[])


admin.site.home = home  # type: ignore[attr-defined]
admin.site.find = find  # type: ignore[attr-defined]
