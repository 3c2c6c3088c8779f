"""The catalogue in the office: achievements with possible results, rubric levels, alignments and associations.

An achievement that a record names is never edited in place: saving makes its next version, and says so.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, IntegerField, Model, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin, StackedInline, TabularInline
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from apps.accounts.permissions import Role
from apps.accounts.site import ForRoles, NamedCells
from apps.achievements import versions
from apps.achievements.models import (
    Achievement,
    AchievementAssociation,
    Alignment,
    Assertion,
    BadgeDesign,
    FrameworkItem,
    Result,
    ResultDescription,
    RubricCriterionLevel,
)
from apps.institution.models import Organization

HONOURS = "ext:Honours"


class LinesField(forms.CharField):
    """A list of texts, one a line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}), required=False, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """As lines."""
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        """Without empty lines and blanks around."""
        return [line.strip() for line in str(super().clean(value)).splitlines() if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compares the lists."""
        return list(initial or []) != [line.strip() for line in str(data or "").splitlines() if line.strip()]


class PartsField(LinesField):
    """A list of things with several parts each: one a line, the parts apart by bars."""

    def __init__(self, most: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.most = most

    def clean(self, value: Any) -> list[str]:
        """Each line begins with its first part, and has no more parts than there are."""
        lines = super().clean(value)
        for number, line in enumerate(lines, start=1):
            if not parts_of(line, self.most)[0] or line.count("|") >= self.most:
                raise forms.ValidationError(
                    _("Line %(n)d: write at most %(most)d parts with bars between, the first not empty."),
                    params={"n": number, "most": self.most},
                )
        return lines


def parts_of(line: str, most: int) -> list[str]:
    """The parts of a line, as many as asked for."""
    parts = [part.strip() for part in line.split("|", most - 1)]
    return parts + [""] * (most - len(parts))


def as_line(*parts: str) -> str:
    """The line of these parts."""
    return " | ".join(part.replace("|", "/").replace("\n", " ") for part in parts).rstrip(" |")


class AlignmentsField(PartsField):
    """Alignments of something that has no table of its own on the page.

    With ``of_parts`` each line begins with the name of what is aligned.
    """

    def __init__(self, *, of_parts: bool = False, **kwargs: Any) -> None:
        self.before = 1 if of_parts else 0
        texts = {"label": _("Alignments"), "help_text": _("One a line: name | address | code | framework."), **kwargs}
        super().__init__(4 + self.before, **texts)

    def clean(self, value: Any) -> list[str]:
        """Each has a name and a web address."""
        lines = super().clean(value)
        for number, line in enumerate(lines, start=1):
            name, address, code, _framework = parts_of(line, self.most)[self.before :]
            if not address.startswith(("https://", "http://", "urn:")) or len(address) > 2048:
                sentence = _("Line %(n)d: the address is missing; write it as part %(part)d.")
                raise forms.ValidationError(sentence, params={"n": number, "part": 2 + self.before})
            if len(name) > 1024 or len(code) > 255:
                raise forms.ValidationError(_("Line %(n)d: the name or the code is too long."), params={"n": number})
        return lines


def alignment_lines(alignments: Any) -> list[str]:
    """The lines of these alignments."""
    return [
        as_line(each.target_name, each.target_url, each.target_code, each.target_framework) for each in alignments.all()
    ]


def set_alignments(owner: Any, lines: list[str]) -> None:
    """Makes the alignments of a possible result or a result what the lines say; those that stand so already stay."""
    known = {line: each for each in owner.alignments.all() for line in alignment_lines_of(each)}
    for position, line in enumerate(lines):
        name, address, code, framework = parts_of(line, 4)
        standing = known.pop(as_line(name, address, code, framework), None)
        if standing is None:
            owner.alignments.create(
                target_name=name,
                target_url=address,
                target_code=code,
                target_framework=framework,
                item=FrameworkItem.objects.filter(uri=address).first(),
                position=position,
            )
        elif standing.position != position:
            standing.position = position
            standing.save(update_fields=["position"])
    for gone in known.values():
        gone.delete()


def alignment_lines_of(each: Alignment) -> list[str]:
    """The one line of an alignment."""
    return [as_line(each.target_name, each.target_url, each.target_code, each.target_framework)]


def _with_own(choices: Any, now: str) -> list[tuple[str, Any]]:
    """The standard's values, and one of the institution's own where it stands already."""
    found = list(choices)
    return found if not now or now in dict(found) else [*found, (now, now)]


class AchievementForm(forms.ModelForm):  # type: ignore[type-arg]
    """One achievement."""

    tags = LinesField(label=_("Tags"), help_text=_("One a line."))
    identifier_lines = PartsField(
        2, label=_("Identifiers"), help_text=_("One a line: identifier | type, such as ceds-course or sourcedId.")
    )

    class Meta:
        model = Achievement
        fields = (
            "name",
            "human_code",
            "achievement_type",
            "issuer",
            "description",
            "criteria_narrative",
            "criteria_url",
            "credits_available",
            "level",
            "field_of_study",
            "specialization",
            "image",
            "tags",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["identifier_lines"] = [
            as_line(str(each.get("identifier", "")), str(each.get("identifierType", "")))
            for each in self.instance.identifiers or []
            if isinstance(each, dict)
        ]
        if "achievement_type" in self.fields:
            choices = _with_own(Achievement.Type.choices, self.instance.achievement_type)
            self.fields["achievement_type"] = forms.ChoiceField(
                label=_("Type"), choices=choices, widget=UnfoldAdminSelectWidget()
            )
        if "issuer" in self.fields and self.instance.pk is None:
            self.initial.setdefault(
                "issuer", Organization.objects.filter(is_home=True).values_list("pk", flat=True).first()
            )

    def clean_identifier_lines(self) -> list[str]:
        """Each has a type; what else was known of one that stays is kept."""
        lines: list[str] = self.cleaned_data["identifier_lines"]
        known = {
            str(each.get("identifier")): each for each in self.instance.identifiers or [] if isinstance(each, dict)
        }
        found = []
        for number, line in enumerate(lines, start=1):
            identifier, kind = parts_of(line, 2)
            if not kind:
                raise forms.ValidationError(_("Line %(n)d: say of which type it is."), params={"n": number})
            found.append({**known.get(identifier, {}), "identifier": identifier, "identifierType": kind})
        self.cleaned_data["identifiers"] = found
        return lines


class ResultDescriptionForm(forms.ModelForm):  # type: ignore[type-arg]
    """One possible result with its rubric levels, a line each."""

    allowed_values = LinesField(label=_("Allowed values"), help_text=_("One a line, from worst to best."))
    levels = PartsField(
        4,
        label=_("Rubric levels"),
        help_text=_("One a line, from low to high: name | points | what it means | level, where it is not the name."),
    )
    level_alignment_lines = AlignmentsField(
        of_parts=True,
        label=_("Alignments of the levels"),
        help_text=_("One a line: level | name | address | code | framework."),
    )
    needed_level = forms.CharField(
        label=_("Level needed to pass"),
        required=False,
        max_length=255,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("The name of one of the rubric levels."),
    )
    alignment_lines = AlignmentsField()

    class Meta:
        model = ResultDescription
        fields = ("name", "result_type", "allowed_values", "value_min", "value_max", "required_value", "position")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = _with_own([*ResultDescription.Type.choices, (HONOURS, _("honours"))], self.instance.result_type)
        self.fields["result_type"] = forms.ChoiceField(
            label=_("Type"), choices=choices, widget=UnfoldAdminSelectWidget()
        )
        if self.instance.pk:
            levels = self.instance.rubric_criterion_levels.all()
            self.initial["levels"] = [_line_of(level) for level in levels]
            self.initial["level_alignment_lines"] = [
                f"{as_line(level.name)} | {line}" for level in levels for line in alignment_lines(level.alignments)
            ]
            self.initial["needed_level"] = self.instance.required_level.name if self.instance.required_level else ""
            self.initial["alignment_lines"] = alignment_lines(self.instance.alignments)

    def clean_levels(self) -> list[str]:
        """Each level has a name of its own; one that somebody achieved stays."""
        lines: list[str] = self.cleaned_data["levels"]
        parts = [parts_of(line, 4) for line in lines]
        names = [name for name, *_rest in parts]
        if any(max(len(name), len(level)) > 255 or len(points) > 64 for name, points, _words, level in parts):
            raise forms.ValidationError(_("Name and level have at most 255 letters, points at most 64."))
        if len(set(names)) != len(names):
            raise forms.ValidationError(_("Two levels have the same name."))
        if self.instance.pk:
            going = self.instance.rubric_criterion_levels.exclude(name__in=names)
            held = Result.objects.filter(achieved_level__in=going).select_related("achieved_level").first()
            if held is not None:
                sentence = _t("Somebody achieved the level “%(name)s”; it stays.")
                raise forms.ValidationError(sentence % {"name": held.achieved_level})
        return lines

    def clean(self) -> dict[str, Any]:
        """The level that is needed is one of the levels."""
        cleaned = super().clean() or {}
        needed, lines = cleaned.get("needed_level"), cleaned.get("levels")
        if lines is not None:
            names = {parts_of(line, 4)[0] for line in lines}
            if needed and needed not in names:
                self.add_error("needed_level", _("There is no rubric level of this name."))
            if any(parts_of(line, 5)[0] not in names for line in cleaned.get("level_alignment_lines", ())):
                self.add_error("level_alignment_lines", _("There is no rubric level of this name."))
        return cleaned


def _line_of(level: RubricCriterionLevel) -> str:
    return as_line(level.name, level.points, level.description, "" if level.level == level.name else level.level)


def set_levels(description: ResultDescription, lines: list[str], aligned: list[str]) -> None:
    """Makes the rubric levels and their alignments what the lines say, keeping those of the same name."""
    known = {level.name: level for level in description.rubric_criterion_levels.all()}
    for position, line in enumerate(lines):
        name, points, words, text = parts_of(line, 4)
        level = known.pop(name, None) or RubricCriterionLevel(result_description=description, name=name)
        if level.pk is None or _line_of(level) != as_line(name, points, words, text):
            level.points, level.description, level.level = points, words, text or name
        level.position = position
        level.save()
        own = [parts_of(each, 5)[1:] for each in aligned if parts_of(each, 5)[0] == name]
        set_alignments(level, [as_line(*parts) for parts in own])
    for gone in known.values():
        gone.delete()


class WithAchievement:
    """For inlines: may what the achievement's page may."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """With the achievement."""
        return True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """With the achievement."""
        return admin.site._registry[Achievement].has_change_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """With the achievement."""
        return self.has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """With the achievement."""
        return self.has_change_permission(request, obj)


class ResultDescriptionInline(WithAchievement, StackedInline):
    """Results that are possible."""

    model = ResultDescription
    form = ResultDescriptionForm
    extra = 0
    show_change_link = False
    fields = (
        ("name", "result_type", "position"),
        ("value_min", "value_max", "required_value"),
        "allowed_values",
        ("levels", "needed_level"),
        "level_alignment_lines",
        "alignment_lines",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ResultDescription]:
        """With their levels."""
        found: QuerySet[ResultDescription] = super().get_queryset(request)
        return found.select_related("required_level").prefetch_related(
            "rubric_criterion_levels__alignments", "alignments"
        )


class AlignmentInline(NamedCells, WithAchievement, TabularInline):
    """What it is aligned to; nodes of stored frameworks are found by search, others are typed."""

    model = Alignment
    extra = 0
    fields = ("target_code", "target_name", "target_framework", "target_url")
    verbose_name_plural = _("alignments (those of stored frameworks: button “Find competencies” above)")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The framework's name is one line."""
        if db_field.name == "target_framework":
            kwargs["widget"] = UnfoldAdminTextareaWidget(attrs={"rows": 1})
        return super().formfield_for_dbfield(db_field, request, **kwargs)


class AssociationInline(NamedCells, WithAchievement, TabularInline):
    """How it stands to other achievements."""

    model = AchievementAssociation
    fk_name = "achievement"
    extra = 0
    autocomplete_fields = ("target",)
    fields = ("association_type", "target")


class TypeFilter(admin.SimpleListFilter):
    """The types that are in use."""

    title = _("type")
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """In the standard's order, own ones last."""
        used = set(Achievement.objects.order_by().values_list("achievement_type", flat=True).distinct())
        known = [(value, label) for value, label in Achievement.Type.choices if value in used]
        return [*known, *((value, value) for value in sorted(used - set(Achievement.Type.values)))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The chosen type."""
        return queryset.filter(achievement_type=self.value()) if self.value() else queryset


class VersionFilter(admin.SimpleListFilter):
    """The newest version of each, unless earlier ones are asked for."""

    title = _("versions")
    parameter_name = "versions"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Beside the newest."""
        return [("all", _("earlier ones too"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The newest, or all."""
        return queryset if self.value() else queryset.filter(replaced_by__isnull=True)


def _counted(rows: QuerySet[Any], by: str) -> Coalesce:
    counts = rows.filter(**{by: OuterRef("pk")}).order_by().values(by).annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counts, output_field=IntegerField()), 0)


@admin.register(Achievement)
class AchievementAdmin(SimpleHistoryAdmin, ForRoles, ModelAdmin):
    """What can be earned."""

    editors = (Role.REGISTRAR,)
    form = AchievementForm
    list_display = ("shown_name", "shown_type", "issuer", "aligned_count", "earned_count", "version")
    list_filter = (TypeFilter, ("issuer", AutocompleteSelectFilter), VersionFilter)
    list_filter_submit = True
    list_select_related = ("issuer",)
    list_per_page = 50
    show_full_result_count = False
    search_fields = ("search_text",)
    search_help_text = _("Name, code or field of study")
    ordering = ("name", "pk")
    autocomplete_fields = ("issuer",)
    actions_detail = ("find_competencies", "design_badge", "award_to_many")
    inlines = (ResultDescriptionInline, AlignmentInline, AssociationInline)
    fieldsets = (
        (None, {"fields": (("name", "human_code"), "achievement_type", "issuer", "description")}),
        (
            _("What it takes, what it gives"),
            {"fields": ("criteria_narrative", "criteria_url", ("credits_available", "level"))},
        ),
        (
            _("More"),
            {
                "fields": (("field_of_study", "specialization"), "image", "tags", "identifier_lines"),
                "classes": ("collapse",),
            },
        ),
        (_("Where this came from"), {"fields": ("course", "competency", "version", "replaced_by", "retired_at")}),
    )
    readonly_fields = ("course", "competency", "version", "replaced_by", "retired_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Achievement]:
        """With how much each is aligned and earned, in one query."""
        achievements: QuerySet[Achievement] = super().get_queryset(request)
        return achievements.annotate(
            aligned=_counted(Alignment.objects.all(), "achievement"),
            earned=_counted(Assertion.objects.standing(), "achievement"),
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Achievement], search_term: str
    ) -> tuple[QuerySet[Achievement], bool]:
        """Where one is chosen for something new, only what can still be earned is offered."""
        found, distinct = super().get_search_results(request, queryset, search_term)
        if request.path.endswith("/autocomplete/"):
            found = found.filter(replaced_by__isnull=True, retired_at__isnull=True)
        return found, distinct

    def rows_below(self, request: HttpRequest, obj: Model) -> list[Any]:
        """The parts of the possible results too."""
        levels = RubricCriterionLevel.objects.filter(result_description__achievement=obj.pk)
        alignments = Alignment.objects.filter(
            Q(result_description__achievement=obj.pk) | Q(level__result_description__achievement=obj.pk)
        )
        deep = [list(rows.order_by("pk").values_list()) for rows in (levels, alignments)]
        return [*super().rows_below(request, obj), *deep]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A version that has a newer one is only looked at."""
        if isinstance(obj, Achievement) and obj.replaced_by_id is not None:
            return False
        return super().has_change_permission(request, obj)

    @display(description=_("achievement"), ordering="name", header=True)
    def shown_name(self, achievement: Achievement) -> list[str]:
        """Name and code."""
        return [achievement.name, achievement.human_code]

    @display(description=_("type"), ordering="achievement_type")
    def shown_type(self, achievement: Achievement) -> Any:
        """The type in words."""
        return dict(Achievement.Type.choices).get(achievement.achievement_type, achievement.achievement_type)

    @display(description=_("aligned to"), ordering="aligned")
    def aligned_count(self, achievement: Any) -> int:
        """How many competencies."""
        return int(achievement.aligned)

    @display(description=_("earned by"), ordering="earned")
    def earned_count(self, achievement: Any) -> int:
        """How many learners' assertions stand."""
        return int(achievement.earned)

    @action(description=_("Find competencies"), url_path="find-competencies", permissions=["change"])
    def find_competencies(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Leads to the search over all frameworks."""
        return HttpResponseRedirect(reverse("admin:framework_align_achievement", args=[int(object_id)]))

    @action(description=_("Award to many"), url_path="award-to-many", permissions=["change"])
    def award_to_many(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Leads to the award of this achievement."""
        return HttpResponseRedirect(f"{reverse('admin:achievements_award_add')}?achievement={int(object_id)}")

    @action(description=_("Badge"), url_path="design-badge", permissions=["change"])
    def design_badge(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Leads to the design of its badge, or to a new one."""
        design = BadgeDesign.objects.filter(achievement=int(object_id)).first()
        if design is not None:
            return HttpResponseRedirect(reverse("admin:achievements_badgedesign_change", args=[design.pk]))
        return HttpResponseRedirect(f"{reverse('admin:achievements_badgedesign_add')}?achievement={int(object_id)}")

    # --- saving: in place, or as the next version ----------------------------------------------------

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Says beforehand that saving will make a new version."""
        achievement = context.get("original")
        if (
            request.method == "GET"
            and isinstance(achievement, Achievement)
            and self.has_change_permission(request, achievement)
            and not versions.may_be_edited(achievement)
        ):
            sentence = _t(
                "Records name this version, so it does not change any more. Saving makes version %(next)d for whatever"
                " is awarded from then on; records and what was awarded keep version %(now)d."
            )
            messages.info(request, sentence % {"next": achievement.version + 1, "now": achievement.version})
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Achievement, form: Any, change: bool) -> None:
        """Saves in place where no record names it; else makes the next version with what was changed."""
        form.fresh = None
        stored = Achievement.objects.select_for_update().get(pk=obj.pk) if change else None
        if stored is not None and not versions.may_be_edited(stored):
            changed = {name: form.cleaned_data[name] for name in form.changed_data}
            if changed.pop("identifier_lines", None) is not None:
                changed["identifiers"] = form.cleaned_data["identifiers"]
            if "issuer" in changed:
                changed["issuer_id"] = changed.pop("issuer").pk
            form.fresh = versions.new_version(stored, by=request.user, **changed)
            return
        obj.identifiers = form.cleaned_data.get("identifiers", obj.identifiers)
        super().save_model(request, obj, form, change)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Saves the parts; those of a new version are put on its copies."""
        fresh: Achievement | None = getattr(form, "fresh", None)
        if fresh is None:
            formset.save()
        else:
            _save_on_copies(form.instance, fresh, formset)
        for part in formset.forms:
            lines = getattr(part, "cleaned_data", {}).get("levels")
            if lines is None or not part.instance.pk or not part.has_changed() or part.cleaned_data.get("DELETE"):
                continue
            set_levels(part.instance, lines, part.cleaned_data["level_alignment_lines"])
            needed = part.instance.rubric_criterion_levels.filter(name=part.cleaned_data["needed_level"]).first()
            ResultDescription.objects.filter(pk=part.instance.pk).update(required_level=needed)
            set_alignments(part.instance, part.cleaned_data["alignment_lines"])

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Likewise, and leaves word of the new version for the answer."""
        super().save_related(request, form, formsets, change)
        request.fresh_achievement = getattr(form, "fresh", None)  # type: ignore[attr-defined]

    def response_change(self, request: HttpRequest, obj: Achievement) -> HttpResponse:
        """Goes on with the new version where one was made."""
        fresh: Achievement | None = getattr(request, "fresh_achievement", None)
        if fresh is None:
            return super().response_change(request, obj)
        sentence = _t(
            "%(name)s was saved as version %(version)d. Records and what was awarded before keep the earlier version."
        )
        messages.success(request, sentence % {"name": fresh.name, "version": fresh.version})
        return HttpResponseRedirect(reverse("admin:achievements_achievement_change", args=[fresh.pk]))


def _save_on_copies(old: Achievement, fresh: Achievement, formset: Any) -> None:
    """Applies the changes of a formset about an achievement's parts to the same parts of its new version."""
    model = formset.model
    then = model._default_manager.filter(achievement=old).values_list("pk", flat=True)
    now = model._default_manager.filter(achievement=fresh)
    copies = dict(zip(then, now, strict=True))  # versions.copy_parts copies in the order of the model
    gone = {part.instance.pk for part in formset.deleted_forms}
    formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []  # nothing of the old one changed
    for part in formset.forms:
        if part.instance.pk is None:
            if part.has_changed() and part not in formset.deleted_forms:
                part.instance.achievement = fresh
                part.instance.save()
            continue
        copy = copies[part.instance.pk]
        if part.instance.pk in gone:
            copy.delete()
        elif part.has_changed():
            for name in part.changed_data:
                if name in part._meta.fields:
                    setattr(copy, name, part.cleaned_data[name])
            copy.save()
        part.instance = copy
