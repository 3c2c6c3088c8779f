"""What the pages show of the institution: its accent and its logo. Public, and kept by caches."""

import re

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from apps.institution.branding import accent_sheet, tag_of
from apps.institution.models import CertificateDesign

YEAR = 31_536_000


@require_safe
def accent(request: HttpRequest, colour: str) -> HttpResponse:
    """`/brand/<rrggbb>.css`: the accent tokens of a colour; the same for ever, as the address names the colour."""
    if not re.fullmatch(r"[0-9a-f]{6}", colour):
        raise Http404
    response = HttpResponse(accent_sheet(f"#{colour}"), content_type="text/css; charset=utf-8")
    response["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    return response


@require_safe
def logo(request: HttpRequest, public_id: str) -> HttpResponse:
    """`/brand/<uuid>/logo`: the logo of one version of a design, re-encoded when it was taken (SEC-35)."""
    design = CertificateDesign.objects.filter(public_id=public_id, logo_type__startswith="image/").first()
    if design is None or not design.logo:
        raise Http404
    content = bytes(design.logo)
    response = HttpResponse(content, content_type=design.logo_type)
    response["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["ETag"] = tag_of(content)
    return response
