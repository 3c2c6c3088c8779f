"""The pages of the verifier: ``/verify/`` and ``/verify/<code>``. They ask nobody to sign in and keep nothing."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.institution import disclosures
from apps.issuance.documents import DocumentDamaged
from apps.issuance.models import Record
from apps.network.errors import refuse
from apps.network.limits import SHARE_MISS, VERIFY, VERIFY_BODY, asker_of, count, is_over, limited
from apps.standards.verify.verdict import Result, unreadable
from apps.verification import reports
from apps.verification.codes import CODE, code_in, with_scheme
from apps.verification.judging import judge_while_waiting
from apps.verification.own import record_of_code
from apps.verification.showing import view_of


# Nothing is changed and no session is read, so there is nothing that a foreign page could make somebody do.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@limited(VERIFY)
def verify(request: HttpRequest) -> HttpResponse:
    """Take a file, a pasted text or an address, and show what came of it."""
    if request.method != "POST":
        return render(request, "verification/verify.html", {"limit_mb": VERIFY_BODY // 1_000_000})
    uploaded = request.FILES.get("file") or request.FILES.get("photo")
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
        source = with_scheme(address).encode("utf-8", "surrogatepass")
    else:
        source = b""
    if not (uploaded is not None and uploaded.size) and (code := code_in(address)):
        return redirect("verification-code", code=code)
    if source:
        result = judge_while_waiting(source, recipients=[expected] if expected else [])
        if code := _code_shown(result):
            return redirect("verification-code", code=code)
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


def _code_shown(result: Result) -> str | None:
    """The code of one of our documents, where a picture of its QR code was handed in: it has a page of its own."""
    first = result.checks[0] if result.checks else None
    if first is None or first.name != "qr_code":
        return None
    return code_in(str(first.evidence.get("address", "")))


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
    if request.method == "GET" and not _is_public(record):
        disclosures.note(
            record.learner.public_id,
            record,
            record.public_id,
            recipient="a person who has the verification code",
            purpose="verification",
            basis="the learner handed on the document with its code",
        )
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


def _is_public(record: Record) -> bool:
    """Whether the learner made it public: then nothing is disclosed that was not open to all (PRIV-01)."""
    publicity = getattr(record, "publicity", None)
    return publicity is not None and publicity.is_public
