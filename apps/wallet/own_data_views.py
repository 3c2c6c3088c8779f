"""`/account/disclosures/` and `/account/data/`: who was shown what of a learner, a copy of everything, and leaving."""

from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib import messages
from django.contrib.auth import logout
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.permissions import Role, roles_of
from apps.institution import files
from apps.institution.models import Disclosure
from apps.issuance.models import Badge, Record
from apps.learners.models import Learner
from apps.network.errors import refuse
from apps.network.numbers import whole
from apps.wallet import owning, sharing
from apps.wallet.models import DataExport, Share, WalletItem
from apps.wallet.share_views import for_learners

ROWS = 50
COPIES = 5


@for_learners
@require_safe
def disclosures(request: HttpRequest, learner: Learner) -> HttpResponse:
    """`/account/disclosures/`: everybody who was shown something of this learner (PRIV-01, 34 CFR 99.32)."""
    told = Disclosure.objects.filter(learner_id=learner.public_id).order_by("-at", "-pk")
    page = Paginator(told, ROWS).get_page(whole(request.GET.get("page", "1")) or 1)
    titles = _titles(learner, list(page))
    rows = [{"row": row, "title": titles.get(row.object_id) or _kind(row.object_type)} for row in page]
    return render(request, "wallet/disclosures.html", {"rows": rows, "page": page})


def _titles(learner: Learner, rows: list[Disclosure]) -> dict[str, str]:
    """What the things on one page of the log are called, as far as they are still there."""
    ids: dict[str, list[str]] = {}
    for row in rows:
        ids.setdefault(row.object_type, []).append(row.object_id)
    found: dict[str, str] = {}
    records = Record.objects.filter(learner=learner, public_id__in=_uuids(ids.get("issuance.record", [])))
    for record in records.select_related("snapshot").defer("snapshot__content"):
        found[str(record.public_id)] = sharing.title_of(record)
    items = WalletItem.objects.filter(learner=learner, public_id__in=_uuids(ids.get("wallet.walletitem", [])))
    found |= {str(public_id): title for public_id, title in items.values_list("public_id", "title")}
    badges = Badge.objects.filter(assertion__learner=learner, public_id__in=_uuids(ids.get("issuance.badge", [])))
    found |= {str(each): name for each, name in badges.values_list("public_id", "assertion__achievement__name")}
    return found


def _uuids(texts: list[str]) -> list[UUID]:
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


def _kind(label: str) -> str:
    """What a kind of thing is called."""
    try:
        return str(apps.get_model(label)._meta.verbose_name)
    except (LookupError, ValueError):
        return label


@for_learners
@require_safe
def data(request: HttpRequest, learner: Learner) -> HttpResponse:
    """`/account/data/`: a copy of everything, moving elsewhere, deleting."""
    context: dict[str, Any] = {
        "exports": list(DataExport.objects.filter(learner=learner)[:COPIES]),
        "kept_records": Record.objects.filter(learner=learner).published().count(),
        "items": WalletItem.objects.filter(learner=learner).kept().count(),
        "links": Share.objects.filter(learner=learner).count(),
        "works_here": bool(set(roles_of(request.user)) - {Role.LEARNER}),
    }
    return render(request, "wallet/own_data.html", context)


@for_learners
@require_POST
def copy(request: HttpRequest, learner: Learner) -> HttpResponse:
    """`/account/data/copy/`: begins a copy of everything."""
    owning.ask(learner, by=request.user)
    messages.success(request, _("Your copy is being made. It appears below within a minute or so."))
    return redirect("own-data")


@for_learners
@require_safe
def download(request: HttpRequest, learner: Learner, public_id: UUID) -> HttpResponseBase:
    """`/account/data/<uuid>.zip`: the copy; 404 for anybody's but one's own."""
    export = DataExport.objects.filter(learner=learner, public_id=public_id).exclude(digest="").first()
    if export is None:
        raise Http404
    try:
        content = files.path_of(export.digest).open("rb")
    except (OSError, files.FileMissing):
        return refuse(request, 410, _("This copy is no longer kept. Ask for a new one."))
    return FileResponse(content, as_attachment=True, filename="my-records.zip", content_type="application/zip")


@for_learners
@require_POST
def delete(request: HttpRequest, learner: Learner) -> HttpResponse:
    """`/account/data/delete/`: empties the wallet, or everything that need not be kept by law."""
    what = request.POST.get("what", "")
    if what == "wallet":
        gone = owning.empty_wallet(learner, by=request.user)
        messages.success(request, _("Your wallet is empty. %(gone)d things were deleted.") % {"gone": gone})
        return redirect("own-data")
    if what != "everything":
        return refuse(request, 400, _("Say what to delete: the wallet, or everything."))
    if request.POST.get("sure") != "yes":
        messages.error(request, _("Nothing was deleted. Tick the box that says that you are sure."))
        return redirect("own-data")
    owning.leave(learner, by=request.user)
    logout(request)
    return render(request, "wallet/left.html")
