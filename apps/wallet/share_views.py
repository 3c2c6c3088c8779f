"""The learner's own pages of sharing: `/wallet/shares/`, and `/records/<uuid>/share/` on the way to it.

Foreign and absent answer alike (SEC-50); nothing here is kept by any cache (SEC-57).
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import segno
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.permissions import Role, has_role
from apps.achievements.models import Assertion
from apps.institution.models import Organization
from apps.issuance import badges
from apps.issuance.models import Badge, Record
from apps.learners.models import Learner
from apps.network.errors import refuse
from apps.network.limits import UPLOAD, limited
from apps.wallet import receipts, share_pages, sharing
from apps.wallet.models import Share, ShareView, WalletItem

OFFERED = 100
"""How many of each kind the page offers to choose from."""
LOOKS = 50
View = Callable[..., HttpResponseBase]


def for_learners(view: View) -> View:
    """Signed in, a learner, never cached; the view is given the learner."""

    @wraps(view)
    def kept_private(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        learner = Learner.objects.filter(user=request.user.pk).first() if has_role(request.user, Role.LEARNER) else None
        if learner is None:
            raise PermissionDenied(_("These pages belong to learners. Your sign-in has no learner's record."))
        return view(request, learner, *args, **kwargs)

    return never_cache(login_required(kept_private))


class ShareForm(forms.Form):
    """For whom, what for, how long, and how closely."""

    recipient = forms.CharField(
        label=gettext_lazy("For whom"),
        max_length=255,
        help_text=gettext_lazy("So that you remember later. They see it too."),
    )
    purpose = forms.ChoiceField(
        label=gettext_lazy("What for"),
        choices=[
            ("show", gettext_lazy("To show what I achieved")),
            ("job", gettext_lazy("To apply for a job")),
            ("study", gettext_lazy("To apply to a school or program")),
            ("licence", gettext_lazy("For a licence or membership")),
            ("other", gettext_lazy("Something else")),
        ],
    )
    days = forms.TypedChoiceField(
        label=gettext_lazy("How long"),
        coerce=int,
        choices=[
            (7, gettext_lazy("a week")),
            (30, gettext_lazy("30 days")),
            (90, gettext_lazy("90 days")),
            (365, gettext_lazy("a year")),
            (730, gettext_lazy("two years")),
        ],
    )
    message = forms.CharField(
        label=gettext_lazy("A note to them"),
        required=False,
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    email = forms.EmailField(
        label=gettext_lazy("Send the link by e-mail to"),
        required=False,
        help_text=gettext_lazy("The letter carries the link alone, nothing of your records."),
    )
    passcode = forms.CharField(
        label=gettext_lazy("Passcode"),
        required=False,
        min_length=4,
        max_length=64,
        help_text=gettext_lazy("Whoever opens the link must know it. Tell it by another way than the link."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    most_views = forms.IntegerField(
        label=gettext_lazy("How often it may be opened"),
        required=False,
        min_value=1,
        max_value=sharing.MOST_VIEWS,
        help_text=gettext_lazy("Leave empty for as often as they like."),
    )
    nonce = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def terms(self) -> sharing.Terms:
        """What was filled in."""
        said = self.cleaned_data
        purposes = dict(self.fields["purpose"].choices)  # type: ignore[attr-defined]
        return sharing.Terms(
            recipient=said["recipient"],
            purpose=str(purposes[said["purpose"]]),
            days=said["days"],
            message=said["message"],
            passcode=said["passcode"],
            most_views=said["most_views"],
            email=said["email"],
        )


# --- What is chosen ---------------------------------------------------------------------------


@dataclass
class Choice:
    """What is to be shared: things of one's own, and of one record perhaps only some."""

    records: list[Record] = field(default_factory=list)
    items: list[WalletItem] = field(default_factory=list)
    badges: list[Badge] = field(default_factory=list)
    entries: list[Assertion] = field(default_factory=list)
    is_part: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing was chosen yet."""
        return not (self.records or self.items or self.badges)

    @property
    def can_be_part(self) -> bool:
        """Whether some of what the one record holds can be chosen."""
        return len(self.records) == 1 and bool(self.entries)

    def things(self, chosen: set[str], *, by: Any) -> list[sharing.Chosen]:
        """What goes into the link; `chosen` are the public ids of the achievements. Raises `ShareRefused`."""
        if not self.is_part:
            return [*self.records, *self.badges, *self.items]
        picked = [each for each in self.entries if str(each.public_id) in chosen]
        if not picked:
            raise sharing.ShareRefused(_("Choose at least one achievement, or share the whole record."))
        return [*sharing.badges_for(self.records[0], picked, by=by), *self.badges, *self.items]


def _own_records(learner: Learner) -> QuerySet[Record]:
    states = (Record.State.ISSUED, Record.State.SUPERSEDED)
    return (
        Record.objects.filter(learner=learner, state__in=states)
        .select_related("snapshot", "learner")
        .defer("snapshot__content")
        .order_by("-pk")
    )


def _ids(data: QueryDict, name: str) -> list[UUID]:
    """The public ids that are named; 404 for what is none."""
    try:
        return [UUID(text) for text in data.getlist(name)[: sharing.MOST_ITEMS + 1]]
    except ValueError:
        raise Http404 from None


def _choice(learner: Learner, data: QueryDict) -> Choice:
    """What is named, all of it one's own; else 404 as if it did not exist (SEC-50)."""
    wanted = {name: _ids(data, name) for name in ("record", "item", "badge")}
    choice = Choice(
        records=list(_own_records(learner).filter(public_id__in=wanted["record"])),
        items=list(WalletItem.objects.filter(learner=learner, public_id__in=wanted["item"]).kept()),
        badges=list(
            badges.badges_of(learner)
            .select_related("assertion__achievement", "assertion__learner")
            .filter(public_id__in=wanted["badge"])
        ),
    )
    for name, found in (("record", choice.records), ("item", choice.items), ("badge", choice.badges)):
        if len(found) != len(set(wanted[name])):
            raise Http404
    if len(choice.records) == 1:
        choice.entries = sharing.entries_of(choice.records[0])
        choice.is_part = data.get("part") == "some" and bool(choice.entries)
    return choice


# --- Pages ------------------------------------------------------------------------------------


@for_learners
@require_safe
def shares(request: HttpRequest, learner: Learner) -> HttpResponse:
    """`/wallet/shares/`: every link with its state, who looked, and the button that takes it back."""
    looks = ShareView.objects.order_by("-at", "-pk")
    own = Share.objects.visible_to(request.user).prefetch_related("items", Prefetch("looks", looks))
    return render(request, "wallet/shares.html", {"shares": list(own[:500])})


@for_learners
@require_http_methods(["GET", "HEAD", "POST"])
@limited(UPLOAD)
def create(request: HttpRequest, learner: Learner) -> HttpResponse:
    """`/wallet/shares/new/`: what, for whom, how long; with a look at what they will see before."""
    return _create(request, learner, request.POST if request.method == "POST" else request.GET)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@limited(UPLOAD)
def of_record(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """`/records/<uuid>/share/`: the same page for one record; 404 for anybody's but one's own."""
    learner = Learner.objects.filter(user=request.user.pk).first() if has_role(request.user, Role.LEARNER) else None
    if learner is None or not _own_records(learner).filter(public_id=public_id).exists():
        raise Http404
    data = (request.POST if request.method == "POST" else request.GET).copy()
    data.setlist("record", [str(public_id)])
    return _create(request, learner, data)


def _create(request: HttpRequest, learner: Learner, data: QueryDict) -> HttpResponse:
    choice = _choice(learner, data)
    if choice.is_empty:
        return render(request, "wallet/share_choose.html", _offered(learner))
    if request.method != "POST":
        initial = {
            "recipient": _("Whoever I give the link to"),
            "purpose": "show",
            "days": sharing.DEFAULT_DAYS,
            "nonce": sharing.new_nonce(),
        }
        return _form_page(request, choice, ShareForm(initial=initial), set(data.getlist("entry")))
    form = ShareForm(data)
    entries = set(data.getlist("entry"))
    if not form.is_valid():
        return _form_page(request, choice, form, entries, status=422)
    terms = form.terms()
    try:
        things = choice.things(entries, by=request.user)
        if data.get("step") == "preview":
            return _preview(request, learner, choice, form, terms, things, entries)
        made = sharing.share(learner, things, terms, by=request.user, nonce=form.cleaned_data["nonce"])
    except sharing.ShareRefused as refusal:
        form.add_error(None, str(refusal))
        return _form_page(request, choice, form, entries, status=422)
    messages.success(request, _("The link is made. Hand it on; you can take it back at any time."))
    return redirect("share-detail", public_id=made.public_id)


def _offered(learner: Learner) -> dict[str, Any]:
    """What there is to choose from."""
    return {
        "records": list(_own_records(learner)[:OFFERED]),
        "badges": list(badges.badges_of(learner).select_related("assertion__achievement")[:OFFERED]),
        "items": list(
            WalletItem.objects.filter(learner=learner)
            .standing()
            .defer("content", "shown_content", "report")
            .newest_first()[:OFFERED]
        ),
    }


def _form_page(
    request: HttpRequest, choice: Choice, form: ShareForm, entries: set[str], *, status: int = 200
) -> HttpResponse:
    context = {"choice": choice, "form": form, "entries": entries}
    return render(request, "wallet/share_create.html", context, status=status)


def _preview(
    request: HttpRequest,
    learner: Learner,
    choice: Choice,
    form: ShareForm,
    terms: sharing.Terms,
    things: list[sharing.Chosen],
    entries: set[str],
) -> HttpResponse:
    """The viewer's page as it would be, and the form to go on; nothing is stored."""
    share = sharing.drafted(learner, terms)
    context = share_pages.context_of(share, sharing.prepare(things), base="")
    return render(
        request, "wallet/share_page.html", {**context, "is_preview": True, "kept": _kept(form, choice, entries)}
    )


def _kept(form: ShareForm, choice: Choice, entries: set[str]) -> list[tuple[str, str]]:
    """All that was filled in, for the form below the preview."""
    kept = [(name, str(form.data.get(name, ""))) for name in form.fields]
    for name, chosen in (("record", choice.records), ("item", choice.items), ("badge", choice.badges)):
        kept += [(name, str(each.public_id)) for each in chosen]
    kept += [("part", "some")] if choice.is_part else []
    return [*kept, *(("entry", each) for each in sorted(entries))]


def _own(request: HttpRequest, public_id: UUID) -> Share:
    share = Share.objects.visible_to(request.user).filter(public_id=public_id).first()
    if share is None:
        raise Http404
    return share


@for_learners
@require_safe
def detail(request: HttpRequest, learner: Learner, public_id: UUID) -> HttpResponse:
    """`/wallet/shares/<uuid>/`: the link with all ways to hand it on, its receipt, and who looked."""
    share = _own(request, public_id)
    items = list(share.items.all())
    context = {
        "share": share,
        "items": items,
        "looks": list(share.looks.all()[:LOOKS]),
        "networks": _networks(share, items[0].title) if share.state == Share.State.OPEN and items else [],
    }
    return render(request, "wallet/share_detail.html", context)


def _networks(share: Share, title: str) -> list[tuple[str, str]]:
    """Where people show what they achieved: plain links, which carry the link and the title when they are followed."""
    home = Organization.objects.filter(is_home=True).first()
    profile = {
        "startTask": "CERTIFICATION_NAME",
        "name": title,
        "organizationName": home.name if home else "",
        "issueYear": share.created_at.year,
        "issueMonth": share.created_at.month,
        "certUrl": share.link,
    }
    return [
        ("LinkedIn", "https://www.linkedin.com/profile/add?" + urlencode(profile)),
        ("XING", "https://www.xing.com/spi/shares/new?" + urlencode({"url": share.link})),
        ("Facebook", "https://www.facebook.com/sharer/sharer.php?" + urlencode({"u": share.link})),
        ("X", "https://x.com/intent/post?" + urlencode({"url": share.link, "text": title})),
    ]


@for_learners
@require_POST
def withdraw(request: HttpRequest, learner: Learner, public_id: UUID) -> HttpResponse:
    """`/wallet/shares/<uuid>/withdraw/`: takes the link back, at once."""
    if sharing.withdraw(_own(request, public_id), by=request.user):
        messages.success(request, _("Taken back. The link shows nothing any more."))
    return redirect("shares")


@for_learners
@require_safe
def qr(request: HttpRequest, learner: Learner, public_id: UUID) -> HttpResponse:
    """`/wallet/shares/<uuid>/qr.svg`: the link to hold up or print; gone when the link is."""
    share = _own(request, public_id)
    if share.state != Share.State.OPEN:
        return refuse(request, 410, _("This link shows nothing any more."))
    picture = io.BytesIO()
    segno.make(share.link, error="m", micro=False).save(picture, kind="svg", scale=6, border=4, light="#fff")
    return HttpResponse(picture.getvalue(), content_type="image/svg+xml")


@for_learners
@require_safe
def receipt(request: HttpRequest, learner: Learner, public_id: UUID) -> HttpResponse:
    """`/wallet/shares/<uuid>/receipt.json`: the signed receipt to keep (PRIV-02)."""
    share = _own(request, public_id)
    if not share.receipt_signature:
        sentence = _("The receipt has not been signed yet. Press the button again in a moment.")
        return refuse(request, 503, sentence, retry_after=5)
    response = HttpResponse(receipts.file_of(share), content_type="application/json")
    response["Content-Disposition"] = 'attachment; filename="consent-receipt.json"'
    return response


@for_learners
@require_safe
def receipt_text(request: HttpRequest, learner: Learner, public_id: UUID) -> HttpResponse:
    """`/wallet/shares/<uuid>/receipt.txt`: the same to read and print."""
    share = _own(request, public_id)
    response = render(
        request,
        "wallet/receipt.txt",
        {"share": share, "receipt": share.receipt, "digest": receipts.digest(share)},
        content_type="text/plain; charset=utf-8",
    )
    response["Content-Disposition"] = 'attachment; filename="consent-receipt.txt"'
    return response
