"""The learner's doors to other providers: `/wallet/connections/` and what stands below it.

Foreign and absent answer alike (SEC-50); nothing here is kept by any cache (SEC-57).
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.permissions import Role, has_role
from apps.exchange import authorizing, connecting, sending, speaking
from apps.exchange.models import Connection, IntakeRequest, Provider
from apps.issuance import documents, reading, showing
from apps.issuance.models import Record
from apps.learners.models import Learner
from apps.network import limits
from apps.network.errors import refuse
from apps.standards import strict_json
from apps.standards.errors import StandardsError
from apps.standards.proofs import jws
from apps.wallet.models import WalletItem

CONNECT = limits.Rate("connect", 30, 600)
LOOK = limits.Rate("connection-look", 20, 600)
ATTEMPTS = "exchange_attempts"
"""Where a session keeps its ways to consent, one a provider (SEC-47)."""
View = Callable[..., HttpResponse]


class AddressForm(forms.Form):
    """Where somebody's records are."""

    protocol = forms.ChoiceField(
        label=gettext_lazy("What is there"),
        choices=[
            (Provider.Protocol.CLR1, gettext_lazy("My records at another institution (CLR)")),
            (Provider.Protocol.BADGES, gettext_lazy("My badges at another host (Badge Connect)")),
        ],
        widget=forms.RadioSelect,
        required=False,
        initial=Provider.Protocol.CLR1,
    )
    address = forms.CharField(
        label=gettext_lazy("Its address"),
        max_length=2048,
        help_text=gettext_lazy("As https://records.example.edu. The institution tells you the address."),
        widget=forms.TextInput(
            attrs={"inputmode": "url", "autocapitalize": "none", "spellcheck": "false", "autocomplete": "url"}
        ),
    )
    may_send = forms.BooleanField(
        label=gettext_lazy("I also want to send mine there from here; nothing goes there by itself"),
        required=False,
    )
    agreed = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    request_id = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def clean_protocol(self) -> str:
        """Records, where nothing was chosen."""
        return str(self.cleaned_data["protocol"] or Provider.Protocol.CLR1)


class RecordChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    """One of several records, by its title."""

    def label_from_instance(self, obj: Any) -> str:
        """The title as the learner's own pages show it."""
        return str(showing.shown(obj).title)


class SendForm(forms.Form):
    """Which of one's own records goes to a provider."""

    record = RecordChoice(
        queryset=Record.objects.none(), to_field_name="public_id", label=gettext_lazy("Record to send")
    )

    def __init__(self, *args: Any, learner: Learner, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = showing.issued_records(Record.objects.filter(learner=learner)).filter(state=Record.State.ISSUED)
        chooser = self.fields["record"]
        assert isinstance(chooser, forms.ModelChoiceField)
        chooser.queryset = own
        self.has_something = own.exists()


class BadgesForm(forms.Form):
    """Which of one's own badges go to a host."""

    badges = forms.MultipleChoiceField(
        label=gettext_lazy("Badges to send"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one badge.")},
    )

    def __init__(self, *args: Any, learner: Learner, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by_value = {choice.value: choice for choice in sending.choices(learner)}
        chooser = self.fields["badges"]
        assert isinstance(chooser, forms.MultipleChoiceField)
        chooser.choices = [(value, choice.title) for value, choice in self.by_value.items()]
        self.has_something = bool(self.by_value)

    def chosen(self) -> list[sending.Choice]:
        """The badges that were chosen, once the form is valid."""
        return [self.by_value[value] for value in self.cleaned_data["badges"]]


class DisconnectForm(forms.Form):
    """What goes with a connection."""

    remove_records = forms.BooleanField(
        label=gettext_lazy("Also remove the records that came from there"), required=False
    )


def _for_learners(view: View) -> View:
    """Signed in, a learner, never cached; the view is given the learner."""

    @wraps(view)
    def kept_private(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        learner = Learner.objects.filter(user=request.user.pk).first() if has_role(request.user, Role.LEARNER) else None
        if learner is None:
            raise PermissionDenied(_("Connections belong to learners. Your sign-in has no learner's record."))
        return view(request, learner, *args, **kwargs)

    return never_cache(login_required(kept_private))


def _own(learner: Learner, public_id: UUID) -> Connection:
    found = Connection.objects.select_related("provider", "learner").filter(learner=learner, public_id=public_id)
    connection = found.first()
    if connection is None:
        raise Http404
    return connection


# --- The list, and a new connection ------------------------------------------------------------------


@_for_learners
@require_http_methods(["GET", "HEAD", "POST"])
def connections(request: HttpRequest, learner: Learner) -> HttpResponse:
    """`/wallet/connections/`: what is connected, what an office asks for, and where a new connection begins."""
    form = AddressForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        limits.count(CONNECT, str(request.user.pk))
        if form.is_valid():
            try:
                return _leave(request, learner, form)
            except speaking.ProviderFault as fault:
                form.add_error("address", str(fault))
    elif (asked := _open_request(learner, request.GET.get("request", ""))) is not None:
        form = AddressForm(initial={"address": asked.provider_address, "request_id": asked.public_id})
    own = Connection.objects.filter(learner=learner).select_related("provider")
    context = {
        "form": form,
        "connections": own,
        "requests": IntakeRequest.objects.filter(learner=learner)
        .exclude(state=IntakeRequest.State.CANCELLED)
        .select_related("connection__provider", "asked_by"),
    }
    return render(request, "exchange/connections.html", context)


def _open_request(learner: Learner, public_id: str) -> IntakeRequest | None:
    try:
        key = UUID(public_id)
    except ValueError:
        return None
    return IntakeRequest.objects.filter(learner=learner, public_id=key, state=IntakeRequest.State.ASKED).first()


def _leave(request: HttpRequest, learner: Learner, form: AddressForm) -> HttpResponse:
    """The last page before the provider: who it is, on which hosts, and the link that leads there.

    A provider that sends people or secrets to other hosts than the one that was named is used only after a yes to
    exactly these (SEC-47).
    """
    protocol = form.cleaned_data["protocol"]
    found = connecting.find(form.cleaned_data["address"], protocol=protocol)
    digest = connecting.endpoints_digest(found)
    asked = _open_request(learner, str(form.cleaned_data["request_id"] or ""))
    context: dict[str, Any] = {"provider": found, "may_send": form.cleaned_data["may_send"], "asked": asked}
    context["has_badges"] = protocol == Provider.Protocol.BADGES
    if found.other_hosts and form.cleaned_data["agreed"] != digest:
        context["agree_form"] = AddressForm(
            initial={**form.cleaned_data, "agreed": digest, "may_send": form.cleaned_data["may_send"]}
        )
        return render(request, "exchange/leaving.html", context)
    may_send = form.cleaned_data["may_send"] and connecting.CLIENTS[protocol].WRITE in found.scopes
    provider = connecting.prepare(found, protocol=protocol)
    context |= {"address": _departure(request, learner, provider, may_send=may_send, asked=asked), "may_send": may_send}
    return render(request, "exchange/leaving.html", context)


def _departure(
    request: HttpRequest, learner: Learner, provider: Provider, *, may_send: bool, asked: IntakeRequest | None
) -> str:
    departure = connecting.depart(
        provider, learner, may_send=may_send, request_id=str(asked.public_id) if asked is not None else ""
    )
    attempts = dict(request.session.get(ATTEMPTS, {}))
    attempts[provider.way_back] = departure.memory
    request.session[ATTEMPTS] = dict(list(attempts.items())[-10:])
    return departure.address


@never_cache
@require_safe
def come_back(request: HttpRequest, way_back: str) -> HttpResponse:
    """`/wallet/connections/return/<way>/`: the return from consent; each provider has a way of its own (SEC-47)."""
    provider = Provider.objects.filter(way_back=way_back).first()
    learner = Learner.objects.filter(user=request.user.pk).first() if request.user.is_authenticated else None
    attempts = dict(request.session.get(ATTEMPTS, {}))
    memory = attempts.pop(way_back, None)
    if memory is not None:
        request.session[ATTEMPTS] = attempts  # a way back serves once
    if provider is None:
        raise Http404
    if learner is None or any(len(values) > 1 for _name, values in request.GET.lists()):
        return refuse(request, 400, _("This return does not belong to a connection that you began here."))
    try:
        made = connecting.arrive(provider, learner, memory, request.GET.dict())
    except authorizing.WrongReturn as fault:
        return refuse(request, 400, str(fault))
    except (authorizing.NotConsented, speaking.ProviderFault) as fault:
        messages.warning(request, str(fault))
        return redirect("connections")
    messages.success(request, _("Connected. Your records are being fetched; each is checked before it is shown here."))
    return redirect("connection", made.public_id)


# --- One connection ------------------------------------------------------------------------------------


@_for_learners
@require_safe
def connection(request: HttpRequest, learner: Learner, public_id: UUID) -> HttpResponse:
    """`/wallet/connections/<uuid>/`: how it stands, what came, and what can be done."""
    found = _own(learner, public_id)
    return _page(request, found, _send_form(found))


def _send_form(found: Connection, data: Any = None) -> SendForm | BadgesForm:
    return (BadgesForm if found.provider.has_badges else SendForm)(data, learner=found.learner)


def _page(request: HttpRequest, found: Connection, form: SendForm | BadgesForm, *, status: int = 200) -> HttpResponse:
    received = WalletItem.objects.visible_to(request.user).received_from(connecting.SOURCE, str(found.public_id))
    may_send = connecting.client_of(found.provider).WRITE in found.scopes
    context = {
        "connection": found,
        "items": received.newest_first()[:200],
        "may_send": may_send,
        "send_form": form if may_send and form.has_something else None,
        "sendings": found.sendings.all()[:100],
        "disconnect_form": DisconnectForm(),
        "is_busy": found.busy_until is not None,
    }
    return render(request, "exchange/connection.html", context, status=status)


@_for_learners
@require_POST
def look(request: HttpRequest, learner: Learner, public_id: UUID) -> HttpResponse:
    """Asks the provider for what is new, in the background."""
    found = _own(learner, public_id)
    limits.count(LOOK, str(request.user.pk))
    connecting.ask_to_look(found, by=request.user)
    messages.info(request, _("The provider is being asked. What is new appears here in a moment."))
    return redirect("connection", found.public_id)


@_for_learners
@require_POST
def again(request: HttpRequest, learner: Learner, public_id: UUID) -> HttpResponse:
    """Begins consent anew for a connection whose consent has ended."""
    found = _own(learner, public_id)
    limits.count(CONNECT, str(request.user.pk))
    may_send = connecting.client_of(found.provider).WRITE in found.scopes
    form = AddressForm({"address": found.provider.base, "may_send": may_send, "protocol": found.provider.protocol})
    try:
        form.is_valid()
        return _leave(request, learner, form)
    except speaking.ProviderFault as fault:
        messages.error(request, str(fault))
    return redirect("connection", found.public_id)


@_for_learners
@require_POST
def send(request: HttpRequest, learner: Learner, public_id: UUID) -> HttpResponse:
    """Sends one of the learner's own records to the provider, as it was issued; badges go in the background."""
    found = _own(learner, public_id)
    limits.count(CONNECT, str(request.user.pk))
    form = _send_form(found, request.POST)
    if not form.is_valid():
        return _page(request, found, form, status=422)
    if isinstance(form, BadgesForm):
        queued = sending.queue(found, form.chosen(), by=request.user)
        messages.info(
            request,
            ngettext("%(n)d badge is on its way.", "%(n)d badges are on their way.", len(queued)) % {"n": len(queued)},
        )
        return redirect("connection", found.public_id)
    chosen: Record = form.cleaned_data["record"]
    try:
        sent = connecting.send(found, documents.jws(chosen), about=chosen, by=request.user)
    except (speaking.ProviderFault, documents.DocumentUnavailable) as fault:
        messages.error(request, str(fault))
    else:
        outcomes = {
            "new": _("Sent: the provider now has this record."),
            "replaced": _("Sent: it took the place of an earlier version there."),
            "unchanged": _("The provider had this very record already."),
        }
        messages.success(request, outcomes[sent.outcome])
    return redirect("connection", found.public_id)


@_for_learners
@require_POST
def send_again(request: HttpRequest, learner: Learner, public_id: UUID, sending_id: UUID) -> HttpResponse:
    """Sends a badge once more that could not be sent."""
    found = _own(learner, public_id)
    limits.count(CONNECT, str(request.user.pk))
    noted = found.sendings.filter(public_id=sending_id).first()
    if noted is None:
        raise Http404
    sending.queue(found, [sending.Choice(noted.object_type, noted.object_id, noted.title)], by=request.user)
    messages.info(request, _("It is on its way again."))
    return redirect("connection", found.public_id)


@_for_learners
@require_POST
def let_go(request: HttpRequest, learner: Learner, public_id: UUID) -> HttpResponse:
    """Badges that are earned here from now on go to the host by themselves, or no longer."""
    found = _own(learner, public_id)
    if not found.provider.has_badges or connecting.client_of(found.provider).WRITE not in found.scopes:
        raise Http404
    wanted = request.POST.get("wanted") == "yes"
    sending.let_go(found, wanted)
    if wanted:
        messages.success(request, _("Badges that you earn here from now on go there by themselves."))
    else:
        messages.success(request, _("Nothing goes there by itself any more."))
    return redirect("connection", found.public_id)


@_for_learners
@require_POST
def disconnect(request: HttpRequest, learner: Learner, public_id: UUID) -> HttpResponse:
    """Ends a connection."""
    found = _own(learner, public_id)
    name = found.provider.name
    form = DisconnectForm(request.POST)
    ended = connecting.disconnect(
        found, by=request.user, remove_records=form.is_valid() and form.cleaned_data["remove_records"]
    )
    if ended.told:
        messages.success(request, _("%(name)s is disconnected, there and here.") % {"name": name})
    else:
        messages.warning(
            request,
            _("%(name)s is disconnected here, but could not be told. End this portal's access there as well.")
            % {"name": name},
        )
    return redirect("connections")


# --- A record that came ---------------------------------------------------------------------------------


def _received(request: HttpRequest, public_id: UUID) -> WalletItem:
    """The item, if it is one's own, or an office's by the learner's consent; else 404 as if it did not exist."""
    item = WalletItem.objects.visible_to(request.user).filter(public_id=public_id).first()
    if item is None and has_role(request.user, Role.REGISTRAR):
        item = connecting.item_for_office(public_id, by=request.user)
    if item is None:
        raise Http404
    return item


@never_cache
@login_required
@require_safe
def record(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """`/wallet/connections/records/<uuid>/`: a record that came, with what was found about it (CLR1-C-09)."""
    item = _received(request, public_id)
    context = {
        "item": item,
        "record": _view(item),
        "report": item.report,
        "is_own": item.learner.user_id == request.user.pk,
    }
    return render(request, "exchange/received.html", context)


def _view(item: WalletItem) -> reading.RecordView | None:
    """The content of a CLR 1.0 record: what was judged, which for a hosted one is what stands at its address."""
    if item.format != WalletItem.CLR1 or item.kind != WalletItem.RECORD:
        return None
    try:
        content = bytes(item.shown_content or item.content)
        payload = jws.split(content).payload if content[:1] != b"{" else content
        document = strict_json.loads(payload)
    except StandardsError:
        return None
    return reading.read_record(document) if isinstance(document, dict) else None


@never_cache
@login_required
@require_safe
def record_file(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The record byte for byte as it was received (CLR1-C-10)."""
    item = _received(request, public_id)
    kinds = {
        WalletItem.Form.JWS: ("application/jose", "record.jws"),
        WalletItem.Form.JSON: ("application/ld+json", "record.json"),
    }
    media_type, name = kinds.get(WalletItem.Form(item.form), ("application/octet-stream", "record"))
    response = HttpResponse(bytes(item.content), content_type=media_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


# --- What an office asks for ---------------------------------------------------------------------------


@_for_learners
@require_POST
def answer(request: HttpRequest, learner: Learner, public_id: UUID) -> HttpResponse:
    """Agrees to a request for one connection, declines it, or takes the agreement back."""
    asked = IntakeRequest.objects.filter(learner=learner, public_id=public_id).first()
    if asked is None:
        raise Http404
    chosen = request.POST.get("connection", "")
    if not chosen:
        connecting.answer_request(asked, by=request.user, connection=None)
        messages.success(request, _("The office does not see these records."))
        return redirect("connections")
    try:
        found = _own(learner, UUID(chosen))
    except ValueError:
        raise Http404 from None
    if asked.state == IntakeRequest.State.CANCELLED:
        raise Http404
    connecting.answer_request(asked, by=request.user, connection=found)
    sentence = _("The office now sees the records from %(provider)s, until you take this back.")
    messages.success(request, sentence % {"provider": found.provider.name})
    return redirect("connections")
