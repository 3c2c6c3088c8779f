"""The learner's records: `/records/` and what stands below it. Advisors and the office reach the same pages.

Foreign and absent answer alike (SEC-50); nothing here is kept by any cache (SEC-57).
"""

from collections.abc import Callable
from functools import wraps
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.issuance import documents, previewing, publicity, showing
from apps.issuance.models import Record
from apps.network.errors import refuse
from apps.network.headers import data_block

View = Callable[..., HttpResponse]


def _private(view: View) -> View:
    """Signed in, read only, never cached."""

    @wraps(view)
    def kept_private(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response

    return login_required(require_safe(kept_private))


def _own_or_in_care(request: HttpRequest, public_id: UUID) -> Record:
    """The record, if it was issued and this person may see it; else 404 as if it did not exist."""
    record = showing.issued_records(Record.objects.visible_to(request.user)).filter(public_id=public_id).first()
    if record is None:
        raise Http404
    return record


def _refused(request: HttpRequest, fault: documents.DocumentUnavailable) -> HttpResponse:
    """Why the record cannot be given out, in the words of the page."""
    status = 410 if isinstance(fault, documents.DocumentErased) else 503
    return refuse(request, status, showing.why_unavailable(fault))


@_private
def records(request: HttpRequest) -> HttpResponse:
    """`/records/`: the newest record large, earlier and revoked ones below it."""
    own = showing.issued_records(Record.objects.visible_to(request.user)).filter(learner__user=request.user)
    everything = showing.newest_first(own)
    newest = everything[0] if everything and everything[0].record.state == Record.State.ISSUED else None
    try:
        downloads = showing.downloads_of(newest.record, showing.view_of(newest.record)) if newest else []
    except documents.DocumentUnavailable:  # its own page says why
        downloads = []
    context = {
        "newest": newest,
        "downloads": downloads,
        "standing": [one for one in everything[1:] if one.record.state == Record.State.ISSUED],
        "past": [one for one in everything if one.record.state != Record.State.ISSUED],
    }
    return render(request, "issuance/records.html", context)


@_private
def record(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """`/records/<uuid>/`: one record as people read it, with what became of it and its downloads."""
    found = _own_or_in_care(request, public_id)
    try:
        view = showing.view_of(found)
    except documents.DocumentUnavailable as fault:
        return _refused(request, fault)
    context = {
        "shown": showing.shown(found),
        "record": view,
        "state": found.state,
        "is_own": found.learner.user_id == request.user.pk,
        "offers_badges": found.learner.user_id == request.user.pk and found.state == Record.State.ISSUED,
        "downloads": showing.downloads_of(found, view),
        "structured": data_block(showing.structured_data(found, view)),
        "revocation": getattr(found, "revocation", None),
        "is_public": publicity.is_public(found),
        "withholds": found.learner.withholds_directory,
        "public_url": f"{settings.BASE_URL}/clrs/{found.public_id}",
        "verify_path": f"/verify/{found.code}",
        "verify_url": f"{settings.BASE_URL}/verify/{found.code}",
    }
    return render(request, "issuance/record.html", context)


@login_required
@require_POST
def public(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """`/records/<uuid>/public/`: the learner shows the record to everybody, or takes that back."""
    found = _own_or_in_care(request, public_id)
    if found.learner.user_id != request.user.pk:
        raise Http404
    try:
        if request.POST.get("public") == "yes":
            publicity.show(found, by=request.user)
            messages.success(request, _("Anybody who has the address below can read this record now."))
        else:
            publicity.hide(found, by=request.user)
            messages.success(request, _("This record is private again. Its public address says nothing any more."))
    except publicity.PublicityRefused as refusal:
        messages.error(request, str(refusal))
    return redirect("record", public_id=public_id)


@_private
def versions(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """`/records/<uuid>/versions/`: every version of the record, and what happened to this one."""
    found = _own_or_in_care(request, public_id)
    of_learner = showing.issued_records(Record.objects.visible_to(request.user)).filter(learner=found.learner_id)
    events = [event for event in previewing.timeline(found) if event["state"] in Record.PUBLISHED]
    for event in events:
        event["by"] = ""
    context = {"shown": showing.shown(found), "versions": showing.versions_of(found, of_learner), "events": events}
    return render(request, "issuance/versions.html", context)


def _download(content: bytes, media_type: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=media_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@_private
def jws(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """`clr.jws`: the signed bytes as issued."""
    found = _own_or_in_care(request, public_id)
    try:
        return _download(documents.jws(found), "application/jose", "clr.jws")
    except documents.DocumentUnavailable as fault:
        return _refused(request, fault)


@_private
def json(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """`clr.json`: the payload as issued."""
    found = _own_or_in_care(request, public_id)
    try:
        return _download(documents.payload(found), "application/ld+json", "clr.json")
    except documents.DocumentUnavailable as fault:
        return _refused(request, fault)


@_private
def certificate(request: HttpRequest, public_id: UUID, number: int) -> HttpResponse:
    """`certificate-<n>.pdf`: one degree or certificate of the record on a page of its own, the signed bytes inside."""
    found = _own_or_in_care(request, public_id)
    try:
        return _download(documents.certificate(found, number), "application/pdf", f"certificate-{number}.pdf")
    except documents.NoSuchCertificate as fault:
        raise Http404 from fault
    except documents.DocumentUnavailable as fault:
        return _refused(request, fault)


@_private
def pdf(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """`record.pdf`: the printed form with the signed bytes inside."""
    found = _own_or_in_care(request, public_id)
    try:
        return _download(documents.pdf(found), "application/pdf", "record.pdf")
    except documents.DocumentUnavailable as fault:
        return _refused(request, fault)
