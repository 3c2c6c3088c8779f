"""The pages of the verifier: ``/verify/`` and ``/verify/<code>``. They ask nobody to sign in and keep nothing."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.institution.keys import public_base
from apps.issuance.documents import DocumentDamaged
from apps.network.errors import refuse
from apps.network.limits import SHARE_MISS, VERIFY, VERIFY_BODY, asker_of, count, is_over, limited
from apps.standards.verify.verdict import unreadable
from apps.verification import reports
from apps.verification.judging import judge_while_waiting
from apps.verification.own import record_of_code
from apps.verification.showing import host_of, view_of

CODE = re.compile(r"[a-z2-7]{26}")
_CODE_ADDRESS = re.compile(r"/verify/([a-z2-7]{26})/?", re.IGNORECASE)
_HOST_ALONE = re.compile(r"[\w-]+(?:\.[\w-]+)+(?::\d+)?(?:[/?#].*)?")


# Nothing is changed and no session is read, so there is nothing that a foreign page could make somebody do.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@limited(VERIFY)
def verify(request: HttpRequest) -> HttpResponse:
    """Take a file, a pasted text or an address, and show what came of it."""
    if request.method != "POST":
        return render(request, "verification/verify.html", {"limit_mb": VERIFY_BODY // 1_000_000})
    uploaded = request.FILES.get("file")
    text = request.POST.get("text", "").strip()
    address = request.POST.get("address", "").strip()
    expected = request.POST.get("expected", "").strip()
    if uploaded is not None and uploaded.size:
        if uploaded.size > VERIFY_BODY:
            return refuse(request, 413)
        source = uploaded.read()
    elif text:
        source = text.encode("utf-8", "surrogatepass")
        address = text if "\n" not in text and len(text) <= 2_048 else ""
    elif address:
        source = _with_scheme(address).encode("utf-8", "surrogatepass")
    else:
        source = b""
    if not (uploaded is not None and uploaded.size) and (code := code_in(address)):
        return redirect("verification-code", code=code)
    if source:
        result = judge_while_waiting(source, recipients=[expected] if expected else [])
    else:
        result = unreadable(
            "INPUT_INVALID", _("Nothing was handed in. Choose a file, paste a text or give an address.")
        )
    shown = {
        "result": view_of(result),
        "from_pdf": b"%PDF-" in source[:1024],
        "report": reports.sealed(result, source) if result.readable else "",
    }
    return render(request, "verification/verify.html", shown)


@csrf_exempt  # as above: the sealed report in the form is all that counts
@require_POST
@limited(VERIFY)
def signed_report(request: HttpRequest) -> HttpResponse:
    """The result of a page, signed, as a file to keep; nothing of it is stored."""
    try:
        report = reports.opened(request.POST.get("report", ""))
        file = reports.signed(report)
    except reports.NotOurReport:
        return refuse(request, 400, _("This report was not made here, or was changed. Check the record again."))
    except reports.NotSignedYet:
        return refuse(
            request,
            503,
            _("The report has not been signed yet. Go back and press the button again in a moment."),
            retry_after=5,
        )
    response = HttpResponse(file, content_type="application/json")
    response["Content-Disposition"] = 'attachment; filename="verification-report.json"'
    return response


@require_safe
def verify_code(request: HttpRequest, code: str) -> HttpResponse:
    """What became of the record with this code, as printed on its PDF; no results are shown."""
    if is_over(SHARE_MISS, asker_of(request)):
        count(SHARE_MISS, asker_of(request))
    try:
        found = record_of_code(code) if CODE.fullmatch(code.lower()) else None
        successor = None if found is None else getattr(found[0], "superseded_by", None)
        shows_successor = successor is not None and record_of_code(successor.new.code) is not None
    except DocumentDamaged:
        return refuse(request, 503, retry_after=60)
    if found is None:
        count(SHARE_MISS, asker_of(request))
        return refuse(
            request, 404, _("No record has this code, or it is no longer shown. Compare it with the printed one.")
        )
    record, document, content = found
    result = judge_while_waiting(content)
    return render(
        request,
        "verification/code.html",
        {
            "result": view_of(result, with_record=False),
            "record": record,
            "document": document,
            "revocation": getattr(record, "revocation", None),
            "successor": successor if shows_successor else None,
            "code": code.lower(),
        },
    )


def code_in(address: str) -> str | None:
    """The verification code in an address of this portal, or a code that was typed by itself."""
    bare = address.replace(" ", "").replace("-", "").lower()
    if CODE.fullmatch(bare):
        return bare
    found = _CODE_ADDRESS.fullmatch(_path_of(address))
    if found is None or host_of(_with_scheme(address)) not in _own_hosts():
        return None
    return found[1].lower()


def _path_of(address: str) -> str:
    """The path of an address; empty where it cannot be read."""
    try:
        return urlsplit(_with_scheme(address)).path
    except ValueError:
        return ""


def _own_hosts() -> set[str]:
    """Host and port of the addresses that this portal prints on its documents."""
    return {host_of(settings.BASE_URL), host_of(public_base())}


def _with_scheme(address: str) -> str:
    """An address as people type it: without a scheme it is taken as https."""
    return f"https://{address}" if "://" not in address and _HOST_ALONE.fullmatch(address) else address
