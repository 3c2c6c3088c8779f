"""`/r/<token>/`: what somebody who was given a link sees; no account, nothing stored at the viewer's but a short pass.

Unknown links answer 404 and are counted (SEC-59), ended ones 410 with one sentence. No answer is kept, indexed, or
named to other sites (SEC-52).
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from apps.issuance import documents
from apps.network.errors import refuse
from apps.network.headers import data_block
from apps.network.limits import SHARE_MISS, VERIFY, asker_of, count, is_over, limited
from apps.verification.judging import judge_while_waiting
from apps.verification.showing import view_of
from apps.wallet import sharing, shown
from apps.wallet.models import Share, ShareItem, ShareView

PASS = "clrportal-share"  # noqa: S105  the name of a cookie
PASS_SECONDS = 1_800
"""How long somebody who opened a link may download what it shows, and how long a passcode is remembered."""
UNLOCKED, SEEN = "unlocked", "seen"
View = Callable[..., HttpResponse]


def _kept_apart(view: View) -> View:
    """Headers of every answer below `/r/`, refusals too."""

    @wraps(view)
    def dressed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        return response

    return dressed


def _found(request: HttpRequest, token: str) -> Share | None:
    """The share of a token; None for an unknown one, which was counted. Raises `TooMany` (SEC-59)."""
    asker = asker_of(request)
    if is_over(SHARE_MISS, asker):
        count(SHARE_MISS, asker)
    share = sharing.find(token)
    if share is None:
        count(SHARE_MISS, asker)
    return share


def _missing(request: HttpRequest) -> HttpResponse:
    return refuse(request, 404, _("No link has this address. Compare it with the one you were given."))


def _over(request: HttpRequest, over: sharing.ShareOver) -> HttpResponse:
    return render(request, "wallet/share_over.html", {"sentence": str(over)}, status=410)


# --- The pass ---------------------------------------------------------------------------------


def _pass_of(request: HttpRequest, share: Share) -> str:
    """What this viewer has shown before: the passcode, or that the page was opened and counted."""
    try:
        said = signing.loads(request.COOKIES.get(PASS, ""), salt=PASS, max_age=PASS_SECONDS)
    except signing.BadSignature:
        return ""
    if not isinstance(said, list) or len(said) != 2 or said[0] != str(share.public_id):
        return ""
    return str(said[1])


def _give_pass(response: HttpResponse, share: Share, token: str, what: str) -> HttpResponse:
    response.set_cookie(
        PASS,
        signing.dumps([str(share.public_id), what], salt=PASS),
        max_age=PASS_SECONDS,
        path=f"/r/{token}/",
        secure=settings.HTTPS,
        httponly=True,
        samesite="Strict",
    )
    return response


# --- The page ---------------------------------------------------------------------------------


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@_kept_apart
def page(request: HttpRequest, token: str) -> HttpResponse:
    """`/r/<token>/`: asks for the passcode where there is one, counts the view, shows what was shared.

    Its form proves itself by the secret of its address and the passcode, not by a session, so nobody gains by sending
    it in a viewer's name (SEC-55); and a page that names itself to nobody sends forms without an origin (SEC-52).
    """
    share = _found(request, token)
    if share is None:
        return _missing(request)
    try:
        sharing.check_open(share)
    except sharing.ShareOver as over:
        return _over(request, over)
    agent = request.headers.get("User-Agent", "")
    purpose = request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
    known = _pass_of(request, share)
    if request.method == "HEAD" or (request.method == "GET" and not known and sharing.is_robot(agent, purpose)):
        return render(request, "wallet/share_neutral.html")
    if request.method == "POST":
        return _unlock(request, share, token)
    if share.passcode and known not in {UNLOCKED, SEEN}:
        return render(request, "wallet/share_passcode.html", {"share": share})
    items = sharing.items_of(share)
    try:
        sharing.look(share, how=ShareView.How.PAGE, device=sharing.device_of(agent), items=items)
    except sharing.ShareOver as over:
        return _over(request, over)
    response = render(request, "wallet/share_page.html", context_of(share, items, base=f"/r/{token}/"))
    return _give_pass(response, share, token, SEEN)


def context_of(share: Share, items: list[ShareItem], *, base: str) -> dict[str, Any]:
    """What the template of the viewer's page is given; an empty base: a preview, whose links lead nowhere."""
    pieces = shown.pieces_of(items)
    context: dict[str, Any] = {"share": share, "pieces": pieces, "base": base}
    if base:
        url = f"{settings.BASE_URL}{base}"
        context["structured"] = data_block(shown.structured_data(pieces, url=url, learner=share.shared_by))
    return context


def _unlock(request: HttpRequest, share: Share, token: str) -> HttpResponse:
    if not share.passcode:  # a person whom the neutral page took for a program
        return _give_pass(redirect("share-page", token=token), share, token, UNLOCKED)
    try:
        sharing.try_passcode(share, request.POST.get("passcode", ""))
    except sharing.PasscodeWrong:
        context = {"share": share, "fault": _("That is not the passcode. Ask the person who gave you the link.")}
        return render(request, "wallet/share_passcode.html", context, status=403)
    except sharing.PasscodeLater as later:
        sentence = _("Too many wrong passcodes for this link. Please wait before you try again.")
        return refuse(request, 429, sentence, retry_after=later.seconds)
    return _give_pass(redirect("share-page", token=token), share, token, UNLOCKED)


# --- One thing of it --------------------------------------------------------------------------


def _one(request: HttpRequest, share: Share, position: int) -> ShareItem | None:
    return next((each for each in sharing.items_of(share) if each.position == position), None)


def _give(request: HttpRequest, token: str, position: int, give: Callable[[ShareItem], HttpResponse]) -> HttpResponse:
    """Gives one thing of a share to whoever may have it; a download without the page before it is a view too."""
    share = _found(request, token)
    if share is None:
        return _missing(request)
    known = _pass_of(request, share)
    try:
        sharing.check_open(share, is_looking=known == SEEN)
        item = _one(request, share, position)
        if item is None:
            return refuse(request, 404)
        agent = request.headers.get("User-Agent", "")
        if known not in {UNLOCKED, SEEN} and (share.passcode or sharing.is_robot(agent)):
            return redirect("share-page", token=token)
        response = give(item)
        if response.status_code == 200 and request.method == "GET":
            sharing.look(
                share, how=ShareView.How.FILE, device=sharing.device_of(agent), items=[item], counts=known != SEEN
            )
    except sharing.ShareOver as over:
        return _over(request, over)
    if request.method == "HEAD":
        return HttpResponse(content_type=response["Content-Type"])
    return response


def _download(content: bytes, media_type: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=media_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


_ENDINGS = {
    "application/jose": "jws",
    "application/json": "json",
    "image/png": "png",
    "image/svg+xml": "svg",
    "application/pdf": "pdf",
}


@require_safe
@_kept_apart
def file(request: HttpRequest, token: str, position: int) -> HttpResponse:
    """`items/<n>/file`: the shared bytes as they are."""

    def give(item: ShareItem) -> HttpResponse:
        name = f"shared-{item.position}.{_ENDINGS.get(item.media_type, 'txt')}"
        return _download(bytes(item.content or b""), item.media_type, name)

    return _give(request, token, position, give)


@require_safe
@_kept_apart
def pdf(request: HttpRequest, token: str, position: int) -> HttpResponse:
    """`items/<n>/record.pdf`: a shared record as PDF, with the shared bytes inside and nothing else."""

    def give(item: ShareItem) -> HttpResponse:
        try:
            content = sharing.pdf_of(item)
        except documents.DocumentUnavailable:
            return refuse(request, 503, retry_after=60)
        if content is None:
            return refuse(request, 404)
        return _download(content, "application/pdf", f"shared-{item.position}.pdf")

    return _give(request, token, position, give)


@require_safe
@_kept_apart
@limited(VERIFY, methods=("GET",))
def verdict(request: HttpRequest, token: str, position: int) -> HttpResponse:
    """`items/<n>/verdict`: one thing of it, judged now; the page asks for it as soon as it is shown."""
    share = _found(request, token)
    if share is None:
        return _missing(request)
    try:
        sharing.check_open(share, is_looking=True)
    except sharing.ShareOver as over:
        return _over(request, over)
    item = _one(request, share, position)
    if item is None or _pass_of(request, share) != SEEN:
        return refuse(request, 404)
    result = view_of(judge_while_waiting(bytes(item.content or b"")), with_record=False)
    return render(request, "wallet/share_verdict.html", {"result": result, "number": position})
