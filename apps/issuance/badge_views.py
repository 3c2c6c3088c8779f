"""The learner's badges: `/records/badges/<assertion>/` and what stands below it. Nobody else reaches these pages.

Foreign and absent answer alike (SEC-50); nothing here is kept by any cache (SEC-57).
"""

from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.achievements.models import Assertion
from apps.institution import files, keys
from apps.issuance import badge_documents, badges, documents
from apps.issuance.badge_documents import PNG, SVG
from apps.issuance.models import Badge
from apps.issuance.reading import read_earned
from apps.network.errors import refuse
from apps.standards.clr1 import write
from apps.standards.convert import clr1_ob2
from apps.standards.proofs.jws import MEDIA_TYPE as JOSE

_PICTURES = {"badge.png": PNG, "badge.svg": SVG}


def _own(request: HttpRequest, public_id: UUID) -> Assertion:
    """What this learner earned; else 404 as if it did not exist."""
    own = Assertion.objects.select_related("achievement__issuer", "learner").filter(learner__user=request.user.pk)
    found = own.filter(public_id=public_id).first()
    if found is None:
        raise Http404
    return found


def _badge_of(assertion: Assertion) -> Badge | None:
    """Its standing badge."""
    return Badge.objects.standing().select_related("record", "key").filter(assertion=assertion).first()


@never_cache
@login_required
@require_safe
def badge(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One achievement as a badge: its picture, what it says, its forms, and who can see it."""
    assertion = _own(request, public_id)
    found = _badge_of(assertion)
    record = found.record if found is not None else badges.record_holding(assertion)
    if record is None:
        raise Http404
    base = f"/records/badges/{public_id}/"
    context: dict[str, Any] = {
        "assertion": assertion,
        "badge": found,
        "record": record,
        "picture": f"{badge_documents.BASE_PATH}/images/{assertion.achievement.public_id}.svg",
        "withholds": assertion.learner.withholds_directory,
    }
    if found is not None:
        if not found.is_whole:
            return refuse(request, 503, _("The stored badge does not match what was issued, so it is not shown."))
        said = clr1_ob2.assertion_from_badge(orjson.loads(bytes(found.content or b"")))
        context |= {
            "entry": read_earned(write.to_json(said)),
            "picture": f"{base}badge.svg",
            "downloads": _downloads(base),
            "public_url": f"{settings.BASE_URL}/badges/{found.public_id}",
        }
    return render(request, "issuance/badge.html", context)


def _downloads(base: str) -> list[dict[str, str]]:
    return [
        {
            "href": f"{base}badge.png",
            "label": _("Picture (PNG)"),
            "note": _("For profiles and wallets. The signed badge is inside."),
            "icon": "image",
        },
        {
            "href": f"{base}badge.svg",
            "label": _("Picture (SVG)"),
            "note": _("Sharp at any size. The signed badge is inside."),
            "icon": "image",
        },
        {
            "href": f"{base}badge.jws",
            "label": _("Signed badge"),
            "note": _("The text alone, for wallets and other systems (JWS)."),
            "icon": "file-badge",
        },
        {
            "href": f"{base}badge.json",
            "label": _("JSON-LD"),
            "note": _("Vouched for by its address, while the badge is public."),
            "icon": "braces",
        },
    ]


@login_required
@require_POST
def get(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Makes the badge of one achievement, if there is none yet."""
    assertion = _own(request, public_id)
    record = badges.record_holding(assertion)
    if record is None:
        raise Http404
    try:
        badges.make(record, assertion, by=request.user)
    except badges.BadgeRefused as refusal:
        messages.error(request, str(refusal))
    except (keys.KekUnavailable, documents.DocumentUnavailable):
        messages.error(request, _("Badges cannot be made just now. Please try again in a while."))
    else:
        messages.success(request, _("Here is your badge."))
    return redirect("record_badge", public_id=public_id)


@login_required
@require_POST
def public(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The learner shows a badge to everybody, or takes that back."""
    found = _badge_of(_own(request, public_id))
    if found is None:
        raise Http404
    try:
        if request.POST.get("public") == "yes":
            badges.show(found, by=request.user)
            messages.success(request, _("Anybody who has the address below can see this badge now."))
        else:
            badges.hide(found, by=request.user)
            messages.success(request, _("This badge is private again. Its public address says nothing any more."))
    except badges.BadgeRefused as refusal:
        messages.error(request, str(refusal))
    return redirect("record_badge", public_id=public_id)


def _form(found: Badge, name: str) -> tuple[bytes, str]:
    if name in _PICTURES:
        return badge_documents.baked(found, _PICTURES[name], signed=True), _PICTURES[name]
    if name == "badge.jws":
        return bytes(found.jws or b""), JOSE
    return bytes(found.content or b""), badge_documents.JSON_LD


def _download(request: HttpRequest, public_id: UUID, name: str) -> HttpResponse:
    """One form of the badge; 404 when there is no badge yet, 503 when its bytes are not those issued (REL-16)."""
    found = _badge_of(_own(request, public_id))
    if found is None:
        raise Http404
    damaged = _("The stored badge does not match what was issued, so it is not given out.")
    if not found.is_whole:
        return refuse(request, 503, damaged)
    try:
        content, media_type = _form(found, name)
    except (files.FileMissing, files.FileDamaged):
        return refuse(request, 503, damaged)
    response = HttpResponse(content, content_type=media_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@never_cache
@login_required
@require_safe
def png(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """`badge.png`: the picture with the signed badge inside (OB20-I-17)."""
    return _download(request, public_id, "badge.png")


@never_cache
@login_required
@require_safe
def svg(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """`badge.svg`: the drawing with the signed badge inside (OB20-I-17)."""
    return _download(request, public_id, "badge.svg")


@never_cache
@login_required
@require_safe
def jws(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """`badge.jws`: the signed badge as issued."""
    return _download(request, public_id, "badge.jws")


@never_cache
@login_required
@require_safe
def json(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """`badge.json`: the hosted badge as issued."""
    return _download(request, public_id, "badge.json")
