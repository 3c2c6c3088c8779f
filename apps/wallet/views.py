"""The wallet of a learner: `/wallet/`, what stands in it, and how things come in.

Foreign and absent answer alike (SEC-50); nothing here is kept by any cache (SEC-57).
"""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, F, Min
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.institution import pictures
from apps.issuance.record_view import KIND_LABELS
from apps.learners.models import Learner
from apps.network.errors import refuse
from apps.network.fetching import Budget, GuardedFetcher
from apps.network.limits import UPLOAD, VERIFY_BODY, limited
from apps.standards.baking import png
from apps.standards.errors import StandardsError
from apps.verification.codes import with_scheme
from apps.verification.judging import WAITING_SECONDS
from apps.wallet import entries, identities, intake
from apps.wallet.models import OwnAddress, Receipt, WalletEntry, WalletEntryQuerySet, WalletItem, WalletSkill
from apps.wallet.share_views import for_learners
from apps.wallet.shown import piece_of

ON_A_PAGE = 30
MOST_CHOICES = 100
_ORDERS: dict[str, Any] = {
    "time": gettext_lazy("Timeline"),
    "issuer": gettext_lazy("By issuer"),
    "type": gettext_lazy("By type"),
    "skill": gettext_lazy("By skill"),
}


# --- The dashboard --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for: an order, a search, and filters."""

    by: str = "time"
    query: str = ""
    issuer: str = ""
    kind: str = ""
    skill: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> "Asked":
        """From the address; what cannot be is taken as not said."""
        said = {name: request.GET.get(name, "").replace("\x00", " ").strip() for name in ("q", "issuer", "type")}
        skill = request.GET.get("skill", "")
        return cls(
            by=by if (by := request.GET.get("by", "")) in _ORDERS else "time",
            query=said["q"][:200],
            issuer=said["issuer"][:500],
            kind=said["type"][:64],
            skill=skill if len(skill) == 64 and skill.isalnum() else "",
        )

    def filtered(self, found: WalletEntryQuerySet) -> WalletEntryQuerySet:
        """What was asked for."""
        if self.query:
            found = found.matching(self.query)
        if self.issuer:
            found = found.filter(issuer_name=self.issuer)
        if self.kind:
            found = found.filter(kind=self.kind)
        if self.skill:
            found = found.filter(skills__key=self.skill)
        return found


@dataclass(frozen=True, slots=True)
class Row:
    """One achievement as the dashboard shows it."""

    entry: WalletEntry
    heading: str
    kind: str
    path: str
    skills: list[WalletSkill] = field(default_factory=list)


def label_of(kind: str) -> str:
    """A type of achievement in words; one of somebody's own as it stands."""
    return str(KIND_LABELS.get(kind, kind.removeprefix("ext:") or _("Achievement")))


@for_learners
@require_safe
def wallet(request: HttpRequest, learner: Learner) -> HttpResponse:
    """`/wallet/`: all that a learner achieved, wherever: as a timeline, by issuer, by type, by skill, searched."""
    entries.index_missing(learner)
    asked = Asked.of(request)
    own = WalletEntry.objects.filter(learner=learner).shown()
    issuers = list(own.order_by().values_list("issuer_name").annotate(n=Count("pk")).order_by("-n", "issuer_name"))
    kinds = list(own.order_by().values_list("kind").annotate(n=Count("pk")).order_by("-n", "kind"))
    found = asked.filtered(own)
    context: dict[str, Any] = {
        "asked": asked,
        "query": asked.query,
        "orders": [(key, label, key == asked.by) for key, label in _ORDERS.items()],
        "filters": [
            {
                "name": "issuer",
                "label": _("Issuer"),
                "value": asked.issuer,
                "choices": [(name, f"{name} ({n})") for name, n in issuers[:MOST_CHOICES] if name],
            },
            {
                "name": "type",
                "label": _("Type"),
                "value": asked.kind,
                "choices": [(kind, f"{label_of(kind)} ({n})") for kind, n in kinds[:MOST_CHOICES]],
            },
        ],
        "kept": [(name, value) for name, value in (("by", request.GET.get("by")), ("skill", asked.skill)) if value],
        "in_all": sum(n for _name, n in issuers),
        "issuer_count": len(issuers),
    }
    if asked.by == "skill":
        skills = WalletSkill.objects.filter(entry__in=found.order_by().values("pk")).values("key")
        counted = skills.annotate(
            title=Min("name"),
            said=Min("code"),
            within=Min("framework"),
            n=Count("entry"),
            issuers=Count("entry__issuer_name", distinct=True),
        ).order_by("-n", "title", "key")
        context["page"] = Paginator(counted, ON_A_PAGE).get_page(request.GET.get("page"))
        return render(request, "wallet/wallet.html", context)
    order = {"issuer": ["issuer_name"], "type": ["kind"]}.get(asked.by, [])
    found = found.order_by(*order, F("issued_on").desc(nulls_last=True), "-pk")
    page = Paginator(
        found.select_related("item", "record")
        .defer("item__content", "item__shown_content", "item__report")
        .prefetch_related("skills"),
        ON_A_PAGE,
    ).get_page(request.GET.get("page"))
    context["page"] = page
    context["rows"] = [_row(each, asked.by) for each in page]
    if asked.skill:
        context["skill"] = WalletSkill.objects.filter(entry__learner=learner, key=asked.skill).first()
    return render(request, "wallet/wallet.html", context)


def _row(entry: WalletEntry, by: str) -> Row:
    kind = label_of(entry.kind)
    year = str(entry.issued_on.year) if entry.issued_on else _("Without a date")
    heading = {"issuer": entry.issuer_name or _("Issuer not named"), "type": kind}.get(by, year)
    if entry.record is not None:
        path = f"/records/{entry.record.public_id}/"
    else:
        assert entry.item is not None
        path = f"/wallet/items/{entry.item.public_id}/"
    if entry.anchor:
        path = f"{path}#{entry.anchor}"
    return Row(entry, heading, kind, path, list(entry.skills.all())[:3])


# --- Adding ---------------------------------------------------------------------------------------


class AddForm(forms.Form):
    """One of a file, a text, an address."""

    file = forms.FileField(
        label=gettext_lazy("A file"),
        required=False,
        allow_empty_file=True,
        help_text=gettext_lazy("A badge picture (PNG or SVG), a record's PDF, or a JSON or signed file."),
    )
    url = forms.CharField(
        label=gettext_lazy("Its address"),
        required=False,
        max_length=2048,
        strip=True,
        widget=forms.TextInput(attrs={"type": "url", "inputmode": "url", "autocapitalize": "none"}),
    )
    text = forms.CharField(
        label=gettext_lazy("Its text"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "dir": "ltr"}),
    )

    def content(self) -> bytes:
        """What was handed in; empty where nothing was."""
        file = self.cleaned_data.get("file")
        if file is not None and file.size:
            return bytes(file.read())
        text = self.cleaned_data["text"].strip() or with_scheme(self.cleaned_data["url"])
        return text.encode("utf-8", "surrogatepass")


@for_learners
@require_http_methods(["GET", "HEAD", "POST"])
@limited(UPLOAD, by=lambda request: str(request.user.pk))
def add(request: HttpRequest, learner: Learner) -> HttpResponse:
    """`/wallet/add/`: takes a document of any form, judges it, and keeps it with the verdict."""
    if request.method != "POST":
        return _add_page(request, learner, AddForm())
    form = AddForm(request.POST, request.FILES)
    if not form.is_valid() or not (content := form.content()):
        form.add_error(None, _("Nothing was handed in. Choose a file, paste a text or give an address."))
        return _add_page(request, learner, form, status=400)
    if len(content) > VERIFY_BODY:
        return refuse(request, 413)
    taken, fault = _take(learner, content)
    if fault is not None:
        return _add_page(request, learner, form, fault=fault, status=422)
    if len(taken) == 1:
        [one] = taken
        said = _("It is in your wallet.") if one.created else _("It was in your wallet already; it is kept once.")
        messages.success(request, said)
        return redirect("wallet-item", one.item.public_id)
    sentence = ngettext("%(n)d record is in your wallet.", "%(n)d records are in your wallet.", len(taken))
    messages.success(request, sentence % {"n": len(taken)})
    return redirect("wallet")


def _take(learner: Learner, content: bytes) -> tuple[list[intake.Intake], intake.NotTaken | None]:
    """Each document in what was handed in, until one is not taken; those before it stay."""
    taken: list[intake.Intake] = []
    fetcher = GuardedFetcher.from_settings(Budget.somebody_waits())
    who = identities.of(learner)
    for each in intake.documents_in(content):
        try:
            taken.append(
                intake.take_in(
                    learner,
                    each,
                    source=Receipt.Source.UPLOAD,
                    fetcher=fetcher,
                    seconds=WAITING_SECONDS,
                    recipients=who,
                    accept=("valid", "undecided"),
                    forgive=("REVOKED", "EXPIRED"),
                )
            )
        except intake.NotTaken as fault:
            return taken, fault
    return taken, None


def _add_page(
    request: HttpRequest, learner: Learner, form: AddForm, *, fault: intake.NotTaken | None = None, status: int = 200
) -> HttpResponse:
    reasons: list[str] = []
    if fault is not None and fault.result is not None:
        reasons = [check.detail for check in fault.result.failures() if check.detail != str(fault)][:5]
    context = {
        "form": form,
        "fault": fault,
        "reasons": reasons,
        "is_anothers": fault is not None and fault.code.startswith("RECIPIENT"),
        "known_as": identities.of(learner),
        "limit_mb": VERIFY_BODY // 1_000_000,
    }
    return render(request, "wallet/add.html", context, status=status)


# --- Addresses ------------------------------------------------------------------------------------


class EmailForm(forms.Form):
    """An address that is one's own."""

    email = forms.EmailField(label=gettext_lazy("E-mail address"), max_length=254)


@for_learners
@require_http_methods(["GET", "HEAD", "POST"])
@limited(UPLOAD, by=lambda request: str(request.user.pk))
def addresses(request: HttpRequest, learner: Learner) -> HttpResponse:
    """`/wallet/addresses/`: the addresses by which badges and records are known to be one's own."""
    form = EmailForm(request.POST if request.method == "POST" and "email" in request.POST else None)
    if request.method == "POST" and (gone := request.POST.get("remove", "")):
        OwnAddress.objects.filter(learner=learner, email=gone[:254]).delete()
        return redirect("wallet-addresses")
    if request.method == "POST" and form.is_valid():
        try:
            asked = identities.add(learner, form.cleaned_data["email"])
        except identities.AddressRefused as fault:
            form.add_error("email", str(fault))
        else:
            sentence = _("A letter is on its way to %(email)s. Follow its link within three days.")
            messages.success(request, sentence % {"email": asked.email})
            return redirect("wallet-addresses")
    context = {
        "form": form,
        "given": [each for each in (learner.user.email if learner.user else "", learner.email) if each],
        "added": OwnAddress.objects.filter(learner=learner),
    }
    return render(request, "wallet/addresses.html", context, status=400 if form.errors else 200)


@for_learners
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_address(request: HttpRequest, learner: Learner, token: str) -> HttpResponse:
    """The link of the letter: confirms by a button, so that a machine that looks at mail confirms nothing."""
    if request.method != "POST":
        return render(request, "wallet/address.html")
    asked = identities.confirm(learner, token)
    if asked is None:
        return refuse(request, 404, _("This link is not yours, was changed, or is older than three days. Ask again."))
    messages.success(request, _("%(email)s is confirmed.") % {"email": asked.email})
    return redirect("wallet-addresses")


# --- One thing ------------------------------------------------------------------------------------


def _own(request: HttpRequest, public_id: UUID) -> WalletItem:
    found = WalletItem.objects.visible_to(request.user).select_related("learner", "replaces", "replaced_by")
    item = found.filter(public_id=public_id).first()
    if item is None:
        raise Http404
    return item


@for_learners
@require_safe
def item(request: HttpRequest, learner: Learner, public_id: UUID) -> HttpResponse:
    """`/wallet/items/<uuid>/`: a thing with all it says, where it came from, and what was found about it."""
    found = _own(request, public_id)
    piece = piece_of(found)
    checks = [check for check in found.report.get("checks", ()) if isinstance(check, dict)]
    context = {
        "item": found,
        "piece": piece,
        "record": piece.record,
        "report": found.report,
        "checks": [
            check for check in checks if check.get("status") not in {"passed", "skipped"} and check.get("detail")
        ][:10],
        "receipts": found.receipts.all(),
        "has_picture": found.form == WalletItem.Form.PNG,
        "skills": WalletSkill.objects.filter(entry__item=found)[:20] if piece.record is None else (),
        "consequences": [
            _("The file and what was found about it are deleted; you can add it again while you have it elsewhere."),
            _("Links that show it show it no more."),
        ],
    }
    return render(request, "wallet/item.html", context)


_FILES = {
    WalletItem.Form.JWS: ("application/jose", "jws"),
    WalletItem.Form.JSON: ("application/ld+json", "json"),
    WalletItem.Form.PNG: ("image/png", "png"),
    WalletItem.Form.SVG: ("image/svg+xml", "svg"),
    WalletItem.Form.PDF: ("application/pdf", "pdf"),
}


@for_learners
@require_safe
def item_file(request: HttpRequest, learner: Learner, public_id: UUID) -> HttpResponse:
    """A thing byte for byte as it was received."""
    found = _own(request, public_id)
    media_type, ending = _FILES.get(WalletItem.Form(found.form), ("text/plain; charset=utf-8", "txt"))
    response = HttpResponse(bytes(found.content), content_type=media_type)
    response["Content-Disposition"] = (
        f'attachment; filename="{"record" if found.kind == "record" else "badge"}.{ending}"'
    )
    response["X-Content-Type-Options"] = "nosniff"
    return response


@for_learners
@require_safe
def picture(request: HttpRequest, learner: Learner, public_id: UUID) -> HttpResponse:
    """The picture of a badge, drawn anew without what it carries (SEC-35)."""
    found = _own(request, public_id)
    if found.form != WalletItem.Form.PNG:
        raise Http404
    try:
        png.extract(bytes(found.content))
        drawn = pictures.redrawn(bytes(found.content))
    except (StandardsError, pictures.PictureRefused) as fault:
        raise Http404 from fault
    return HttpResponse(drawn.content, content_type="image/png")


@for_learners
@require_POST
@limited(UPLOAD, by=lambda request: str(request.user.pk))
def check(request: HttpRequest, learner: Learner, public_id: UUID) -> HttpResponse:
    """Judges a thing once more, now."""
    found = _own(request, public_id)
    fetcher = GuardedFetcher.from_settings(Budget.somebody_waits())
    intake.check_again(found, fetcher=fetcher, seconds=WAITING_SECONDS)
    messages.success(request, _("Checked just now."))
    return redirect("wallet-item", public_id)


@for_learners
@require_POST
def delete(request: HttpRequest, learner: Learner, public_id: UUID) -> HttpResponse:
    """`/wallet/<uuid>/delete/`: the owner deletes a thing and its earlier versions."""
    intake.delete(_own(request, public_id))
    messages.success(request, _("Deleted."))
    return redirect("wallet")
