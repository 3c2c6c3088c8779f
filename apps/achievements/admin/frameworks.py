"""Competency frameworks in the office: the list, the browser with its lazy tree, search and alignment (CASE-19)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from apps.accounts.permissions import Role
from apps.accounts.site import ForRoles
from apps.achievements import frameworks, uploads, versions
from apps.achievements.frameworks import Entry, FrameworkTree
from apps.achievements.models import Achievement, Framework, FrameworkAssociation, FrameworkItem
from apps.network import limits
from apps.network.numbers import whole
from apps.standards import markdown
from apps.standards.case.model import is_uuid
from apps.standards.case.read import MAX_BYTES

FOUND_PER_PAGE = 25
OPENED_AT_ONCE = 20
OFFERED = 20

RELATIONS: dict[str, tuple[Any, Any]] = {
    "isPartOf": (gettext_lazy("is part of"), gettext_lazy("contains")),
    "isPeerOf": (gettext_lazy("is a peer of"), gettext_lazy("is a peer of")),
    "precedes": (gettext_lazy("comes before"), gettext_lazy("comes after")),
    "exactMatchOf": (gettext_lazy("is the same as"), gettext_lazy("is the same as")),
    "isRelatedTo": (gettext_lazy("is related to"), gettext_lazy("is related to")),
    "replacedBy": (gettext_lazy("was replaced by"), gettext_lazy("replaces")),
    "exemplar": (gettext_lazy("has the example"), gettext_lazy("is an example of")),
    "hasSkillLevel": (gettext_lazy("has the level"), gettext_lazy("is a level of")),
    "isTranslationOf": (gettext_lazy("is a translation of"), gettext_lazy("is a translation of")),
}


class UploadForm(forms.Form):
    """One package, as a file or from an address."""

    package = forms.FileField(
        label=gettext_lazy("CASE file"),
        required=False,
        help_text=gettext_lazy("A CFPackage of CASE 1.0 or 1.1 as JSON, at most 50 MB."),
        widget=forms.ClearableFileInput(attrs={"accept": ".json,application/json"}),
    )
    address = forms.CharField(
        label=gettext_lazy("or its address"),
        required=False,
        max_length=2048,
        help_text=gettext_lazy("Of the package, or of its document in the publisher's CASE service; https only."),
        widget=forms.URLInput,
    )

    def clean(self) -> dict[str, Any]:
        """One of the two, not larger than an import may be (D2), and an address that can be one."""
        cleaned: dict[str, Any] = super().clean() or {}
        package, address = cleaned.get("package"), cleaned.get("address", "")
        if bool(package) == bool(address):
            raise forms.ValidationError(_("Choose a file or give an address, one of the two."))
        if package and (package.size or 0) > MAX_BYTES:
            self.add_error("package", _("The file is larger than 50 MB."))
        if address and not address.lower().startswith(("https://", "http://")):
            self.add_error("address", _("The address must begin with https://"))
        return cleaned


@dataclass(slots=True)
class TreeNode:
    """An item as `components/tree_items.html` shows it; `nodes` are filled where it is open already."""

    entry: Entry
    number: str
    href: str
    below: str
    has_children: bool
    is_chosen: bool
    level: int
    nodes: list[TreeNode] = field(default_factory=list)

    @property
    def identifier(self) -> str:
        """The item's identifier."""
        return self.entry.identifier


@dataclass(frozen=True, slots=True)
class Relation:
    """One association of an item, in words, seen from that item."""

    words: Any
    title: str
    href: str
    where: str


@admin.register(Framework)
class FrameworkAdmin(ForRoles, ModelAdmin):
    """Every framework; its page is the browser. Frameworks come by import only."""

    editors = (Role.REGISTRAR,)
    adders = ()
    list_display = ("title", "publisher_shown", "version", "items_shown", "adoption_status", "license", "last_changed")
    search_fields = ("title", "creator", "publisher")
    ordering = ("title",)
    list_per_page = 50
    show_full_result_count = False
    actions_list = ("import_framework",)

    @action(description=gettext_lazy("Import a framework"), url_path="import-framework", permissions=["change"])
    def import_framework(self, request: HttpRequest) -> HttpResponse:
        """Leads to the page for a new package."""
        return HttpResponseRedirect(reverse("admin:framework_import"))

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Framework]:
        """With the number of items, in one query."""
        return frameworks.listed().defer("document", "definitions", "rest")

    @display(description=gettext_lazy("publisher"), ordering="publisher")
    def publisher_shown(self, framework: Framework) -> str:
        """Who published it, else who made it."""
        return framework.publisher or framework.creator

    @display(description=gettext_lazy("competencies"), ordering="item_count")
    def items_shown(self, framework: Any) -> int:
        """Items that stand."""
        return int(framework.item_count)

    def get_urls(self) -> list[URLPattern]:
        """The browser's own addresses."""
        wrap = self.admin_site.admin_view
        return [
            path("import/", wrap(self.upload), name="framework_import"),
            path("<int:pk>/items/<uuid:identifier>/", wrap(require_safe(self.items_below)), name="framework_items"),
            path("<int:pk>/align/", wrap(require_POST(self.align)), name="framework_align"),
            path("achievement/<int:pk>/", wrap(self.align_achievement), name="framework_align_achievement"),
            *super().get_urls(),
        ]

    def upload(self, request: HttpRequest) -> HttpResponse:
        """Takes a file or an address and starts the preview; the page of the import shows the rest."""
        if not self.has_change_permission(request):
            raise Http404
        if request.method == "POST":
            limits.count(limits.UPLOAD, str(request.user.pk))  # SEC-59
        form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
        if form.is_valid():
            package: UploadedFile[Any] | None = form.cleaned_data["package"]
            if package is not None:
                run = uploads.receive(package.chunks(), file_name=package.name or "", user=request.user)
            else:
                run = uploads.receive_address(form.cleaned_data["address"], user=request.user)
            return HttpResponseRedirect(reverse("admin:learners_importrun_change", args=[run.pk]))
        context = {**self.admin_site.each_context(request), "title": _("Import a framework"), "form": form}
        return render(request, "admin/achievements/framework/upload.html", {**context, "opts": self.opts})

    # -- the browser ------------------------------------------------------------------------------

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The browser of one framework: facts, search, tree, and the chosen item."""
        if request.method not in ("GET", "HEAD"):
            raise Http404
        framework = self._find(request, _number(object_id))
        tree = frameworks.tree_of(framework)
        chosen = request.GET.get("item", "").lower()
        if chosen and chosen not in tree.entries:
            raise Http404
        query = request.GET.get("q", "")[:200]
        licence, licence_text = frameworks.licence_of(framework)
        way = {entry.identifier for entry in tree.path(chosen)[:OPENED_AT_ONCE]} if chosen else set()
        context = {
            **self.admin_site.each_context(request),
            "title": framework.title,
            "opts": self.opts,
            "framework": framework,
            "description": mark_safe(markdown.to_html(framework.description)),  # noqa: S308  sanitised (SEC-31)
            "licence": licence,
            "licence_text": licence_text,
            "nodes": _nodes(tree, framework, None, 1, way, chosen),
            "size": len(tree.order.main_parent),
            "query": query,
            "found": _found(request, query, framework) if query else None,
            "page_of_tree": reverse("admin:achievements_framework_change", args=[framework.pk]),
            "may_edit": self.has_change_permission(request),
            **(self._item(request, framework, tree, chosen) if chosen else {}),
        }
        return render(request, "admin/achievements/framework/browser.html", context)

    def items_below(self, request: HttpRequest, pk: int, identifier: Any) -> HttpResponse:
        """The items below an item, when it is opened."""
        framework = self._find(request, pk)
        tree = frameworks.tree_of(framework)
        if str(identifier) not in tree.entries:
            raise Http404
        level = request.GET.get("level", "2")
        number = int(level) if level.isascii() and level.isdigit() and len(level) < 6 else 2
        nodes = _nodes(tree, framework, str(identifier), number, set(), "")
        row = "admin/achievements/framework/row.html"
        return render(request, "components/tree_items.html", {"nodes": nodes, "row": row, "panel": "item"})

    def _find(self, request: HttpRequest, pk: int) -> Framework:
        if not self.has_view_permission(request):
            raise Http404
        return get_object_or_404(Framework, pk=pk)

    def _item(self, request: HttpRequest, framework: Framework, tree: FrameworkTree, identifier: str) -> dict[str, Any]:
        """What the panel shows of one item."""
        item = get_object_or_404(FrameworkItem.objects.select_related("framework"), identifier=identifier)
        wanted = request.GET.get("achievement", "")[:200]
        offered = Achievement.objects.current().matching(wanted).order_by("name") if wanted else ()
        wire = item.item
        return {
            "item": item,
            "entry": tree.entries[identifier],
            "number": tree.number(identifier),
            "item_path": tree.path(identifier)[-OPENED_AT_ONCE:],
            "statement": mark_safe(markdown.to_html(item.full_statement)),  # noqa: S308  sanitised (SEC-31)
            "notes": mark_safe(markdown.to_html(str(wire.get("notes") or ""))),  # noqa: S308  sanitised (SEC-31)
            "levels": wire.get("educationLevel") or [],
            "keywords": wire.get("conceptKeywords") or [],
            "relations": _relations(item),
            "successors": frameworks.successors(item) if tree.entries[identifier].is_retired else (),
            "aligned": frameworks.aligned_achievements(item),
            "is_offered": frameworks.is_offered(item),
            "wanted": wanted,
            "offered": offered[:OFFERED],
        }

    # -- aligning (CASE-20) -----------------------------------------------------------------------

    def align(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Aligns an achievement to an item of the framework."""
        framework = self._find(request, pk)
        if not self.has_change_permission(request):
            raise Http404
        item = get_object_or_404(framework.items.select_related("framework"), pk=_number(request.POST.get("item")))
        achievement = get_object_or_404(Achievement.objects.current(), pk=_number(request.POST.get("achievement")))
        self._tie(request, achievement, item)
        address = reverse("admin:achievements_framework_change", args=[framework.pk])
        return HttpResponseRedirect(f"{address}?{urlencode({'item': str(item.identifier)})}")

    def align_achievement(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Finds items of any framework for one achievement; aligns, and takes alignments away."""
        if not self.has_change_permission(request):
            raise Http404
        achievement = get_object_or_404(Achievement.objects.current(), pk=pk)
        if request.method == "POST":
            if removed := request.POST.get("remove"):
                alignment = get_object_or_404(achievement.alignments, pk=_number(removed))
                achievement = _editable(achievement, request.user)
                achievement.alignments.filter(
                    target_identifier=alignment.target_identifier, target_url=alignment.target_url
                ).delete()
            else:
                chosen = FrameworkItem.objects.select_related("framework")
                item = get_object_or_404(chosen, pk=_number(request.POST.get("item")))
                achievement = self._tie(request, achievement, item)
            address = reverse("admin:framework_align_achievement", args=[achievement.pk])
            return HttpResponseRedirect(f"{address}?{request.GET.urlencode()}")
        query = request.GET.get("q", "")[:200]
        context = {
            **self.admin_site.each_context(request),
            "title": _("Competencies of %(name)s") % {"name": achievement.name},
            "opts": self.opts,
            "achievement": achievement,
            "alignments": achievement.alignments.select_related("item__framework"),
            "query": query,
            "found": _found(request, query, None, offered=True) if query else None,
        }
        return render(request, "admin/achievements/framework/align.html", context)

    def _tie(self, request: HttpRequest, achievement: Achievement, item: FrameworkItem) -> Achievement:
        """Aligns, in a new version where an issued record names this one; gives the version that was aligned."""
        if not frameworks.is_offered(item):
            messages.error(request, _("This competency is retired or its framework deprecated. Nothing was aligned."))
            return achievement
        fresh = _editable(achievement, request.user)
        frameworks.align(fresh, item)
        told = {"name": achievement.name, "item": item, "version": fresh.version}
        if fresh.pk == achievement.pk:
            messages.success(request, _("%(name)s is aligned to %(item)s.") % told)
        else:
            messages.success(
                request,
                _(
                    "%(name)s is aligned to %(item)s as version %(version)s; issued records keep the version that"
                    " they name."
                )
                % told,
            )
        return fresh


def _editable(achievement: Achievement, user: Any) -> Achievement:
    """This version, or a new one where an issued record names it."""
    return achievement if versions.may_be_edited(achievement) else versions.new_version(achievement, by=user)


def _number(text: str | None) -> int:
    number = whole(text)
    if number is None:
        raise Http404
    return number


def _found(request: HttpRequest, query: str, framework: Framework | None, *, offered: bool = False) -> Any:
    found = frameworks.search(query, framework=framework, offered=offered)
    return Paginator(found, FOUND_PER_PAGE).get_page(request.GET.get("page"))


def _nodes(
    tree: FrameworkTree, framework: Framework, parent: str | None, level: int, way: set[str], chosen: str
) -> list[TreeNode]:
    """The tree's lines at one level, with what lies on the way to the chosen item opened."""
    here = reverse("admin:achievements_framework_change", args=[framework.pk])
    nodes = []
    for entry in tree.children(parent):
        below = reverse("admin:framework_items", args=[framework.pk, entry.identifier])
        node = TreeNode(
            entry=entry,
            number=tree.number(entry.identifier),
            href=f"{here}?{urlencode({'item': entry.identifier})}",
            below=f"{below}?{urlencode({'level': level + 1})}",
            has_children=tree.has_children(entry.identifier),
            is_chosen=entry.identifier == chosen,
            level=level,
        )
        if entry.identifier in way:
            node.nodes = _nodes(tree, framework, entry.identifier, level + 1, way, chosen)
        nodes.append(node)
    return nodes


def _relations(item: FrameworkItem) -> list[Relation]:
    identifier = str(item.identifier)
    links = list(frameworks.related(item))
    others = {_other_end(link, identifier) for link in links}
    known = {
        str(found.identifier): found
        for found in FrameworkItem.objects.filter(
            identifier__in=[other for other in others if is_uuid(other)]
        ).select_related("framework")
    }
    shown = []
    for link in links:
        is_origin = link.origin_identifier == identifier
        words = RELATIONS.get(link.association_type, (link.association_type, link.association_type))
        other = known.get(_other_end(link, identifier))
        end = link.association.get("destinationNodeURI" if is_origin else "originNodeURI") or {}
        href, where = "", _("outside this portal")
        if other is not None:
            address = reverse("admin:achievements_framework_change", args=[other.framework_id])
            href = f"{address}?{urlencode({'item': str(other.identifier)})}"
            where = "" if other.framework_id == item.framework_id else other.framework.title
        shown.append(
            Relation(words[0] if is_origin else words[1], str(other or end.get("title") or end.get("uri")), href, where)
        )
    return shown


def _other_end(link: FrameworkAssociation, identifier: str) -> str:
    is_origin = link.origin_identifier == identifier
    return link.destination_identifier if is_origin else link.origin_identifier
