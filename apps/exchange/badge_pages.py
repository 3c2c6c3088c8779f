"""`/badges/<uuid>`: a badge that its learner shows, as people see it; machines are sent on to the object itself."""

from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.achievements import emblems
from apps.exchange import answering, hosted_badges
from apps.exchange.answering import HTML, JSON, JSON_LD
from apps.exchange.pages import page, person_of, unavailable
from apps.institution import branding, files
from apps.issuance import badge_documents, documents, showing
from apps.issuance.badge_documents import PNG
from apps.issuance.models import Badge
from apps.issuance.reading import read_earned
from apps.network.headers import data_block
from apps.standards import schema_org
from apps.standards.clr1 import write
from apps.standards.convert import clr1_ob2
from apps.standards.proofs.jws import MEDIA_TYPE as JOSE


def _shown(public_id: UUID) -> Badge:
    badge = hosted_badges.public_badge(public_id)
    if badge is None:
        raise Http404
    return badge


def _is_for_machines(request: HttpRequest) -> bool:
    try:
        return answering.wanted(request, (JSON_LD, JSON, JOSE, HTML)) != HTML
    except answering.Refusal:
        return False


@require_safe
def badge(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """A badge with what it says, who earned it and from whom; 410 when it does not hold any more."""
    try:
        found = _shown(public_id)
        if _is_for_machines(request):
            response = HttpResponse(status=303)
            response.headers["Location"] = f"{badge_documents.BASE_PATH}/assertions/{public_id}"
            response.headers["Cache-Control"] = "no-store"
            response.headers["Vary"] = "Accept"
            return response
        said = clr1_ob2.assertion_from_badge(orjson.loads(bytes(found.content or b"")))
        entry = read_earned(write.to_json(said))
        learner = person_of(found.record)
    except documents.DocumentUnavailable as fault:
        return unavailable(request, fault)
    address = f"{settings.BASE_URL}/badges/{public_id}"
    picture = f"{badge_documents.BASE_PATH}/images/{public_id}"
    context: dict[str, Any] = {
        "badge": found,
        "entry": entry,
        "learner": learner,
        "picture": f"{picture}.svg",
        "page_url": address,
        "card_url": f"{address}/card.png",
        "object_url": badge_documents.parse(said.extra[clr1_ob2.BADGE]) and said.extra[clr1_ob2.BADGE],
        "downloads": [
            {
                "href": f"{picture}.png",
                "label": _("Picture (PNG)"),
                "note": _("The badge is inside."),
                "icon": "image",
            },
            {
                "href": f"{picture}.svg",
                "label": _("Picture (SVG)"),
                "note": _("The badge is inside."),
                "icon": "image",
            },
        ],
    }
    if found.is_standing:
        issuer = entry.issuer
        structured = schema_org.offered(
            showing.achieved(entry),
            url=address,
            issuer_id=issuer.id if issuer else "",
            issuer=issuer.name.value if issuer else "",
        )
        about = {"about": {"@type": "Person", "name": learner.value}, "image": f"{settings.BASE_URL}{picture}.png"}
        context["structured"] = data_block({**structured, **about})
    return page(request, "exchange/public_badge.html", context, status=200 if found.is_standing else 410)


@require_safe
def card(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """`card.png`: the badge in the format of previews in social networks."""
    try:
        found = _shown(public_id)
        if not found.is_standing:
            raise Http404
        picture = badge_documents.picture_of(found, PNG)
    except (documents.DocumentUnavailable, files.FileMissing, files.FileDamaged) as fault:
        raise Http404 from fault
    response = HttpResponse(emblems.card(picture, branding.current_brand().accent), content_type=PNG)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
