"""Pages for people of what is public: `/clrs/<uuid>`, `/assertions/<uuid>`, `/achievements/<uuid>`, and, at their own
addresses, profiles, endorsements, keys and revocation lists.

Machines are sent on to the CLR 1.0 address (303). Private and absent answer alike (I4).
"""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.achievements.models import Achievement, Endorsement, Endorser
from apps.exchange import hosted
from apps.exchange.clr1 import answers
from apps.exchange.clr1.answers import BASE_PATH, CLR, HTML, JOSE, JSON, JSON_LD
from apps.institution.models import Organization
from apps.issuance import badge_documents, documents, published, showing
from apps.issuance.models import Badge, Record
from apps.issuance.phrases import Phrase
from apps.issuance.reading import read_achievement
from apps.network.errors import refuse
from apps.network.headers import data_block
from apps.standards import markdown, schema_org

LISTED = 100
"""Endorsements that a profile's page lists."""


def _is_for_machines(request: HttpRequest) -> bool:
    try:
        return answers.wanted(request, (JSON, JSON_LD, CLR, JOSE, HTML)) != HTML
    except answers.Refusal:
        return False


def _send_on(kind: str, public_id: UUID) -> HttpResponse:
    response = HttpResponse(status=303, headers={"Location": f"{BASE_PATH}/{kind}/{public_id}"})
    response.headers["Cache-Control"] = "no-store"
    patch_vary_headers(response, ["Accept"])
    return response


def page(request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """A page about somebody's own: kept by no cache, since it may be private the next moment."""
    response = render(request, template, context, status=status)
    response.headers["Cache-Control"] = "no-store"  # made private again, it is gone at once
    patch_vary_headers(response, ["Accept", "Cookie"])
    return response


def unavailable(request: HttpRequest, fault: documents.DocumentUnavailable) -> HttpResponse:
    """404 for what was erased, 503 for what is damaged (REL-16)."""
    if isinstance(fault, documents.DocumentErased):
        raise Http404 from fault
    return refuse(request, 503, _("The stored record does not match what was signed, so it is not given out."))


def picture_address(said: dict[str, Any]) -> str:
    """Where the picture of the badge of what was earned stands; empty for what is no achievement of ours."""
    found = hosted.parse(str(said.get("achievement", {}).get("id", "")))
    return f"{badge_documents.BASE_PATH}/images/{found[1]}.svg" if found and found[0] == "achievements" else ""


def person_of(record: Record) -> Phrase:
    """The learner's name as a record says it. Raises `documents.DocumentUnavailable`."""
    return showing.view_of(record).learner.name


# --- Records, what was earned, what can be earned ---------------------------------------------


@require_safe
def record(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """`/clrs/<uuid>`: a record that its learner made public."""
    found = showing.issued_records(Record.objects.public()).select_related("publicity").filter(public_id=public_id)
    one = found.first()
    if one is None:
        raise Http404
    if _is_for_machines(request):
        return _send_on("clrs", public_id)
    context: dict[str, Any] = {
        "shown": showing.shown(one),
        "state": one.state,
        "revocation": getattr(one, "revocation", None),
        "address": f"{BASE_PATH}/clrs/{public_id}",
        "verify_path": "/verify/" if one.publicity.code_withdrawn_at else f"/verify/{one.code}",
        "successor": _public_successor(one),
    }
    if one.state == Record.State.REVOKED:  # what it said does not hold any more, so it is not shown
        return page(request, "exchange/public_record.html", context, status=410)
    try:
        view = showing.view_of(one)
    except documents.DocumentUnavailable as fault:
        return unavailable(request, fault)
    structured = data_block(showing.structured_data(one, view, public=True))
    return page(request, "exchange/public_record.html", {**context, "record": view, "structured": structured})


def _public_successor(one: Record) -> Record | None:
    supersession = getattr(one, "superseded_by", None)
    if supersession is None:
        return None
    return Record.objects.public().filter(pk=supersession.new_id).first()


@require_safe
def assertion(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """`/assertions/<uuid>`: one thing that a learner earned and shows."""
    try:
        found = hosted.public_assertion(public_id)
        if found is None:
            raise Http404
        if _is_for_machines(request):
            return _send_on("assertions", public_id)
        holder, said, revocation = found
        view = showing.view_of(holder)
    except documents.DocumentUnavailable as fault:
        return unavailable(request, fault)
    entry = next((each for each in view.entries if each.id == said["id"]), None)
    if entry is None:
        raise Http404
    context = {
        "entry": entry,
        "learner": view.learner,
        "holder": holder,
        "revocation": revocation,
        "address": f"{BASE_PATH}/assertions/{public_id}",
        "badge": Badge.objects.public().standing().filter(assertion__public_id=public_id).first(),
        "picture": picture_address(said),
    }
    if revocation is None:
        structured = schema_org.offered(
            showing.achieved(entry),
            url=f"{settings.BASE_URL}/assertions/{public_id}",
            issuer_id=entry.issuer.id if entry.issuer else view.publisher.id,
            issuer=(entry.issuer or view.publisher).name.value,
        )
        about = {"about": {"@type": "Person", "name": view.learner.name.value}}
        context["structured"] = data_block({**structured, **about})
    return page(request, "exchange/public_assertion.html", context, status=410 if revocation else 200)


@require_safe
def achievement(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """`/achievements/<uuid>`: what can be earned, for anybody who wonders what it takes."""
    found = Achievement.objects.select_related("replaced_by").filter(public_id=public_id).first()
    if found is None:
        raise Http404
    if _is_for_machines(request):
        return _send_on("achievements", public_id)
    entry = read_achievement(published.achievement_document(found))
    assert entry.issuer is not None
    address = f"{settings.BASE_URL}/achievements/{public_id}"
    structured = schema_org.offered(
        showing.achieved(entry), url=address, issuer_id=entry.issuer.id, issuer=entry.issuer.name.value
    )
    context = {
        "entry": entry,
        "newer": found.replaced_by,
        "possible": found.result_descriptions.prefetch_related("rubric_criterion_levels"),
        "address": f"{BASE_PATH}/achievements/{public_id}",
        "structured": data_block(structured),
    }
    return page(request, "exchange/public_achievement.html", context)


# --- Profiles, endorsements, keys, lists ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a page: what, its value, and where it leads."""

    label: str
    value: str
    href: str = ""


@dataclass(slots=True)
class Shown:
    """What the page of a small public object shows."""

    title: str
    lead: str
    facts: list[Fact] = field(default_factory=list)
    prose: SafeString | None = None
    endorsements: list[Endorsement] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def object_page(request: HttpRequest, kind: str, public_id: UUID) -> HttpResponse:
    """The page for people at the address of a profile, an endorsement, a key or a revocation list."""
    status, said = hosted.answer(kind, public_id)
    shown = None
    if status == 200:
        shown = _PAGES[kind](public_id, hosted.as_object(said))
    elif status == 410 and isinstance(said, dict):
        shown = Shown(_GONE.get(kind, lambda: _("No longer valid"))(), str(said["imsx_description"]))
    if shown is None:
        raise Http404
    context = {"shown": shown, "address": request.path, "gone": status == 410}
    return page(request, "exchange/public_object.html", context, status=status)


_GONE = {"endorsements": lambda: _("This endorsement was revoked"), "keys": lambda: _("This key was withdrawn")}


def _facts(*pairs: tuple[str, Any]) -> list[Fact]:
    return [Fact(label, str(value)) for label, value in pairs if value]


def _profile_page(public_id: UUID, said: dict[str, Any]) -> Shown:
    organization = Organization.objects.filter(public_id=public_id).first()
    lead = _("An endorser, as told to this institution.")
    if organization is not None:
        lead = _("The institution that publishes records here.")
        lead = lead if organization.is_home else _("An organization of the institution.")
    facts = _facts((_("Authorized official"), said.get("official")), (_("Telephone"), said.get("telephone")))
    if url := _web(said.get("url")):
        facts.append(Fact(_("Web"), url, url))
    parent = said.get("parentOrg")
    if isinstance(parent, dict):
        facts += _facts((_("Part of"), parent.get("name")))
    endorsements = Endorsement.objects.standing().select_related("achievement", "organization")
    if organization is not None:
        told = endorsements.filter(organization=organization)
    else:  # never what a learner earned: that would tell of the learner (PRIV-03)
        told = endorsements.filter(endorser=Endorser.objects.get(public_id=public_id), assertion=None)
    return Shown(
        str(said.get("name") or ""), lead, facts, _prose(said.get("description")), endorsements=list(told[:LISTED])
    )


def _endorsement_page(public_id: UUID, said: dict[str, Any]) -> Shown:
    found = hosted.public_endorsement(public_id)
    if found is None:
        raise Http404
    target = found.achievement or found.assertion or found.organization
    name = found.assertion.achievement.name if found.assertion else str(target)
    facts = [
        Fact(_("Endorsed by"), found.issuer_name, _path(said["issuer"]["id"])),
        Fact(_("What"), name, _person_path(said["claim"]["id"])),
        Fact(_("On"), f"{found.issued_on:%Y-%m-%d}"),
        Fact(_("Vouched for by"), _("a signature") if found.is_signed else _("this address")),
    ]
    return Shown(_("Endorsement"), "", facts, _prose(found.comment))


def _key_page(public_id: UUID, said: dict[str, Any]) -> Shown:
    facts = [Fact(_("Belongs to"), said["owner"], _path(said["owner"]))]
    lead = _("The public half of a key that records are signed with. Programs use it to check signatures.")
    return Shown(_("Signing key"), lead, facts, lines=said["publicKeyPem"].splitlines())


def _revocation_page(public_id: UUID, said: dict[str, Any]) -> Shown:
    lead = _("What was issued here and does not hold any more, by number alone. Programs look here.")
    facts = [
        Fact(_("Belongs to"), said["issuer"], _path(said["issuer"])),
        Fact(_("Revoked"), str(len(said["revokedAssertions"]))),
    ]
    return Shown(_("Revocation list"), lead, facts)


_PAGES = {
    "profiles": _profile_page,
    "endorsements": _endorsement_page,
    "keys": _key_page,
    "revocations": _revocation_page,
}


def _web(value: Any) -> str:
    return value if isinstance(value, str) and value.startswith(("http://", "https://")) else ""


def _path(id: str) -> str:
    """The path of an id of ours, for a link; nothing for any other."""
    return id[id.index(BASE_PATH) :] if hosted.parse(id) is not None else ""


def _person_path(id: str) -> str:
    found = hosted.parse(id)
    if found is None:
        return ""
    return _path(id) if found[0] == "profiles" else f"/{found[0]}/{found[1]}"


def _prose(text: Any) -> SafeString | None:
    return mark_safe(markdown.to_html(str(text))) if text else None  # noqa: S308  sanitised (SEC-31)
