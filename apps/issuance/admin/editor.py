"""The pages of one record in the admin: what is in it, the form of the chosen item, and what becomes of it.

Each view reads the request, asks permission, calls one function of `editing`, `drafting`, `review` or `revoking`, and
answers with the workspace. Requests by htmx get the workspace alone; without scripts the whole page is sent again.
"""

import json
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.permissions import Role, has_role
from apps.achievements.models import Assertion
from apps.issuance import batches, documents, drafting, editing, evidence, previewing, review, revoking, showing
from apps.issuance.admin.forms import BeginForm, DraftForm, EvidenceForm, ItemForm, ReasonForm
from apps.issuance.models import Record
from apps.learners.models import Learner
from apps.network.errors import refuse
from apps.network.numbers import whole, wholes

View = Callable[..., HttpResponse]
WORKSPACE = "admin/issuance/record/workspace.html"


def addresses(model_admin: Any) -> list[tuple[str, View, str]]:
    """The editor's own addresses below the list of records: path, view, name."""

    def bound(view: View) -> View:
        def call(request: HttpRequest, **arguments: Any) -> HttpResponse:
            return view(model_admin, request, **arguments)

        return call

    return [
        ("<int:pk>/edit/", require_POST(bound(edit)), "edit"),
        ("<int:pk>/step/", require_POST(bound(step)), "step"),
        ("<int:pk>/preview.pdf", require_GET(bound(preview_pdf)), "preview_pdf"),
        ("<int:pk>/preview.json", require_GET(bound(preview_json)), "preview_json"),
        ("revoke/", require_POST(bound(revoke_many)), "revoke"),
    ]


def find(request: HttpRequest, pk: Any) -> Record:
    """The record, if this user may see it; else as if there were none."""
    number = whole(pk)
    if number is None:
        raise Http404
    visible = Record.objects.visible_to(request.user).with_staleness()
    return get_object_or_404(visible.select_related("learner", "draft", "snapshot"), pk=number)


def may_edit(request: HttpRequest, record: Record) -> bool:
    """Whether this user may edit this record now."""
    return record.state == Record.State.DRAFT and has_role(request.user, Role.REGISTRAR)


def begin(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Asks for whom, and makes the draft."""
    if not has_role(request.user, Role.REGISTRAR):
        raise PermissionDenied
    learners = Learner.objects.visible_to(request.user).filter(merged_into=None)
    asked = whole(request.POST.get("learner") or request.GET.get("learner"))
    learner = None if asked is None else learners.filter(pk=asked).first()
    query = request.GET.get("q", "").strip()[:200]
    form = BeginForm(request.POST or None, initial={"learner": learner})
    if request.method == "POST" and learner is not None and form.is_valid():
        record = drafting.draft_for(
            learner, by=request.user, term=form.cleaned_data["term"], title=form.cleaned_data["title"]
        )
        return HttpResponseRedirect(reverse("admin:issuance_record_change", args=[record.pk]))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Begin a record"),
        "form": form,
        "learner": learner,
        "query": query,
        "found": learners.matching(query)[:20] if query else [],
        "opts": model_admin.opts,
    }
    return render(request, "admin/issuance/record/begin.html", context)


def page(model_admin: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    """The editor of one record."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    return workspace(model_admin, request, find(request, object_id))


def workspace(
    model_admin: Any,
    request: HttpRequest,
    record: Record,
    *,
    form: Any = None,
    conflict: list[dict[str, Any]] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The three panes as they stand now."""
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": record.learner.name,
        "record": record,
        "may_edit": may_edit(request, record),
        "may_approve": has_role(request.user, Role.APPROVER),
        "is_registrar": has_role(request.user, Role.REGISTRAR),
        "conflict": conflict,
        "steps": previewing.timeline(record),
        **_panes(request, record, form),
    }
    template = WORKSPACE if getattr(request, "htmx", False) else model_admin.change_form_template
    return render(request, template, context, status=status)


def _panes(request: HttpRequest, record: Record, form: Any) -> dict[str, Any]:
    asked = request.POST if request.method == "POST" else request.GET
    view = asked.get("view", "page")
    preview, unavailable = None, ""
    try:
        preview = previewing.preview(record)
    except documents.DocumentUnavailable as fault:  # erased or damaged: the page stands, and says so
        unavailable = _why_not_shown(record, fault)
    panes: dict[str, Any] = {
        "preview": preview,
        "unavailable": unavailable,
        "view": view if view in {"page", "source", "history"} else "page",
        "draft_form": None,
    }
    if record.state == Record.State.DRAFT:
        outline = previewing.outline(record, preview.faults if preview else ())
        chosen = next((item for item in outline.items if str(item.pk) == asked.get("item", "")), None)
        panes |= {"outline": outline, "chosen": chosen}
        panes["draft_form"] = DraftForm.of(record)
        if chosen is not None:
            panes["item_form"] = form if isinstance(form, ItemForm) else ItemForm.of(chosen)
            panes["evidence"] = editing.value_of(chosen.item, "evidence")
            panes["evidence_form"] = form if isinstance(form, EvidenceForm) else EvidenceForm()
        elif isinstance(form, DraftForm):
            panes["draft_form"] = form
    elif preview is not None:
        panes["differences"] = previewing.differences(record)
        if record.is_published:
            panes["downloads"] = showing.downloads_of(record, preview.view)[1:]  # the PDF is a button beside it
    return panes


def _why_not_shown(record: Record, fault: documents.DocumentUnavailable) -> str:
    """For the office: what is missing, and what stands nevertheless (REL-14, REL-16)."""
    if isinstance(fault, documents.DocumentErased):
        return _(
            "The content of this record was erased. Its number, its digest and what happened to it stay; "
            "what it said cannot be shown any more."
        )
    if record.is_published:
        return _(
            "The stored bytes of this record do not match what was signed, so nobody is given them. "
            "Restore them from a backup, or revoke the record and issue it anew."
        )
    return _("What was sent to review is damaged. Return the record to draft and send it to review again.")


def edit(model_admin: Any, request: HttpRequest, pk: int) -> HttpResponse:
    """One edit of a draft; a lost race is answered with both states (REL-25)."""
    record = find(request, pk)
    if not has_role(request.user, Role.REGISTRAR):
        raise PermissionDenied
    form: Any = None
    conflict = None
    try:
        form = _apply(request, record)
    except editing.EditConflict:
        record = find(request, pk)
        conflict = _what_was_meant(request, record)
    except editing.EditRefused as refusal:
        messages.error(request, str(refusal))
    else:
        record = find(request, pk)
    if not getattr(request, "htmx", False) and conflict is None and form is None:
        item = whole(request.POST.get("item"))
        query = "" if item is None else f"?item={item}"
        return HttpResponseRedirect(reverse("admin:issuance_record_change", args=[pk]) + query)
    return workspace(model_admin, request, record, form=form, conflict=conflict, status=409 if conflict else 200)


def _apply(request: HttpRequest, record: Record) -> Any:
    """Does what the form asks; gives the form back when it has faults."""
    post = request.POST
    how: dict[str, Any] = {"by": request.user, "version": _version(request)}
    item = whole(post.get("item")) or 0
    chosen = wholes(post.getlist("items")) or ([item] if item else [])
    match post.get("action", ""):
        case "include":
            editing.include(record, chosen, True, **how)
        case "leave-out":
            editing.include(record, chosen, False, **how)
        case "order":
            editing.reorder(record, wholes(post.getlist("order")), **how)
        case "up" | "down" as direction:
            editing.reorder(record, previewing.moved(record, item, direction), **how)
        case "restore":
            editing.restore(record, item, post.get("field", ""), **how)
        case "refresh":
            drafting.refresh(record, **how)
        case "add":
            known = Assertion.objects.filter(learner=record.learner_id, pk__in=chosen).standing()
            editing.add(record, known, **how)
        case "item":
            item_form = ItemForm.of(previewing.item(record, item), post)
            if not item_form.is_valid():
                return item_form
            editing.edit_item(record, item, changes=item_form.changes(), **how)
        case "evidence":
            evidence_form = EvidenceForm(post, request.FILES)
            if not evidence_form.is_valid():
                return evidence_form
            evidence.attach(record, item, evidence_form.cleaned_data, **how)
        case "drop-evidence":
            place = whole(post.get("place"))
            evidence.drop(record, item, -1 if place is None else place, **how)
        case "record":
            draft_form = DraftForm.of(record, post)
            if not draft_form.is_valid():
                return draft_form
            editing.edit_draft(record, changes=draft_form.changes(), **how)
        case _:
            raise editing.EditRefused("action", _("The form did not say what to do. Nothing was changed."))
    return None


def _version(request: HttpRequest) -> int:
    version = whole(request.POST.get("version"))
    return -1 if version is None else version


def _what_was_meant(request: HttpRequest, record: Record) -> list[dict[str, Any]]:
    """Field by field: what stands now, and what this edit would have made of it."""
    item = whole(request.POST.get("item"))
    if request.POST.get("action") != "item" or item is None:
        return [{"field": _("The record"), "before": _("changed by somebody else"), "after": _("your last step")}]
    try:
        form = ItemForm.of(previewing.item(record, item), request.POST)
    except editing.EditRefused as refusal:
        return [{"field": _("This item"), "before": str(refusal), "after": _("your last step")}]
    form.is_valid()
    return form.against_now() or [
        {"field": _("This item"), "before": _("the same as you entered"), "after": _("nothing is lost")}
    ]


def step(model_admin: Any, request: HttpRequest, pk: int) -> HttpResponse:
    """One step of the record: to review, back, approved, issued, corrected, revoked, discarded."""
    record = find(request, pk)
    comment = request.POST.get("comment", "").strip()
    asked = request.POST.get("step", "")
    allowed = {
        "approve": (Role.APPROVER,),
        "return": (Role.REGISTRAR, Role.APPROVER),
        "revoke": (Role.REGISTRAR, Role.APPROVER),
    }.get(asked, (Role.REGISTRAR,))
    if not has_role(request.user, *allowed):
        raise PermissionDenied
    how: dict[str, Any] = {"by": request.user, "version": _version(request)}
    onward = reverse("admin:issuance_record_change", args=[pk])
    try:
        match asked:
            case "submit":
                review.submit(record, comment=comment, **how)
                messages.success(request, _("Sent to review. It is frozen until it is approved or returned."))
            case "return":
                review.return_(record, comment=comment, **how)
                messages.success(request, _("Returned to draft with your comment."))
            case "approve":
                review.approve(record, comment=comment, **how)
                messages.success(request, _("Approved. It can be issued now."))
            case "discard":
                review.discard(record, **how)
                messages.success(request, _("The draft was discarded; the audit trail keeps that it was there."))
                onward = reverse("admin:issuance_record_changelist")
            case "issue":
                batch = batches.start([record], by=request.user, title=record.learner.name)
                onward = reverse("admin:issuance_batch_change", args=[batch.pk])
            case "reissue":
                new = revoking.reissue(
                    record, by=request.user, reason=comment, revoke_old=request.POST.get("revoke") == "yes"
                )
                messages.success(request, _("A correction was begun. The issued record stands until it is issued."))
                onward = reverse("admin:issuance_record_change", args=[new.pk])
            case "revoke":
                revoking.revoke(record, by=request.user, reason=comment)
                messages.success(request, _("Revoked. Whoever checks it from now on is told so, with your reason."))
            case _:
                messages.error(request, _("The form did not say what to do. Nothing was changed."))
    except (review.StepRefused, batches.BatchRefused) as refusal:
        messages.error(request, str(refusal))
    return HttpResponseRedirect(onward)


def ask_to_revoke(model_admin: Any, request: HttpRequest, queryset: models.QuerySet[Record]) -> HttpResponse:
    """The dialog of consequence for a selection: names, count, what stays; asks for the reason."""
    chosen = queryset.filter(state__in=[Record.State.ISSUED, Record.State.SUPERSEDED]).select_related("learner")
    if not chosen:
        messages.error(request, _("None of the chosen records is issued, so there is nothing to revoke."))
        return HttpResponseRedirect(request.get_full_path())
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Revoke records"),
        "opts": model_admin.opts,
        "records": chosen,
        "form": ReasonForm(),
    }
    return render(request, "admin/issuance/record/revoke.html", context)


def revoke_many(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Revokes the records that were named in the dialog, each for the same reason."""
    if not has_role(request.user, Role.REGISTRAR, Role.APPROVER):
        raise PermissionDenied
    chosen = Record.objects.visible_to(request.user).filter(pk__in=wholes(request.POST.getlist("records")))
    form = ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("A reason is needed: it is shown to whoever checks the record."))
        return ask_to_revoke(model_admin, request, chosen)
    done, refused = revoking.revoke_many(
        chosen.select_related("learner"), by=request.user, reason=form.cleaned_data["comment"]
    )
    for reason in sorted(set(refused.values())):
        messages.error(request, reason)
    messages.success(request, ngettext("%(n)d record was revoked.", "%(n)d records were revoked.", done) % {"n": done})
    return HttpResponseRedirect(reverse("admin:issuance_record_changelist"))


def preview_pdf(model_admin: Any, request: HttpRequest, pk: int) -> HttpResponse:
    """The PDF: of an issued record the one that went out, else how it would look now."""
    record = find(request, pk)
    try:
        content = documents.pdf(record) if record.is_published else previewing.pdf(record)
    except documents.DocumentUnavailable as fault:
        return _not_shown(request, record, fault)
    return HttpResponse(content, content_type="application/pdf", headers={"Cache-Control": "no-store"})


def preview_json(model_admin: Any, request: HttpRequest, pk: int) -> HttpResponse:
    """The JSON-LD as it stands."""
    record = find(request, pk)
    try:
        payload = drafting.preview_payload(record)
    except documents.DocumentUnavailable as fault:
        return _not_shown(request, record, fault)
    text = json.dumps(payload, ensure_ascii=False, indent=2)
    return HttpResponse(text, content_type="application/ld+json", headers={"Cache-Control": "no-store"})


def _not_shown(request: HttpRequest, record: Record, fault: documents.DocumentUnavailable) -> HttpResponse:
    """The error page for a form of the record that cannot be given out."""
    if isinstance(fault, documents.DocumentErased):
        return refuse(request, 410, _why_not_shown(record, fault))
    if isinstance(fault, documents.DocumentDamaged):
        return refuse(request, 503, _why_not_shown(record, fault))
    return refuse(request, 503, str(fault))
