"""The forms of the editor."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldAdminURLInputWidget,
    UnfoldBooleanSwitchWidget,
)

from apps.achievements.models import Result
from apps.institution.models import CertificateDesign
from apps.issuance import editing
from apps.issuance.models import Record
from apps.issuance.previewing import OutlineItem
from apps.learners.models import AcademicSession, Learner


def _text(**attributes: Any) -> Any:
    return UnfoldAdminTextInputWidget(attrs=attributes)


class BeginForm(forms.Form):
    """For whom a record is begun, and of which term."""

    learner = forms.ModelChoiceField(Learner.objects.none(), label=_("Learner"), widget=forms.HiddenInput)
    title = forms.CharField(
        label=_("Title"), required=False, max_length=255, widget=_text(), help_text=_("Empty: the usual title.")
    )
    term = forms.ModelChoiceField(
        AcademicSession.objects.exclude(type=AcademicSession.Type.SCHOOL_YEAR),
        label=_("Term"),
        required=False,
        empty_label=_("Everything so far"),
        widget=UnfoldAdminSelectWidget(),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["learner"].queryset = Learner.objects.filter(merged_into=None)  # type: ignore[attr-defined]


class DraftForm(forms.Form):
    """What is true of the record as a whole."""

    title = forms.CharField(label=_("Title"), required=False, max_length=255, widget=_text())
    marked_partial = forms.BooleanField(
        label=_("Partial"),
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
        help_text=_("Says that more is known than this record holds; then courses still running may stand in it."),
    )
    include_totals = forms.BooleanField(
        label=_("Credit totals and GPA"), required=False, widget=UnfoldBooleanSwitchWidget()
    )
    design = forms.ModelChoiceField(
        CertificateDesign.objects.filter(is_current=True),
        label=_("Certificate design"),
        required=False,
        empty_label=_("The institution's usual one"),
        widget=UnfoldAdminSelectWidget(),
    )

    @classmethod
    def of(cls, record: Record, data: Any = None) -> "DraftForm":
        """The form with what the draft says now."""
        draft = record.draft
        initial = {
            "title": draft.title,
            "marked_partial": draft.marked_partial,
            "include_totals": draft.include_totals,
            "design": draft.design_id,
        }
        return cls(data, initial=initial, prefix="record")

    def changes(self) -> dict[str, Any]:
        """The fields of the draft that it sets."""
        design = self.cleaned_data["design"]
        return {
            "title": self.cleaned_data["title"],
            "marked_partial": self.cleaned_data["marked_partial"],
            "include_totals": self.cleaned_data["include_totals"],
            "design_id": design.pk if design else None,
        }


class ItemForm(forms.Form):
    """One item: its own fields, and one group for each possible result. Each knows the CLR property it becomes."""

    LABELS = {
        "term": (_("Term"), "term"),
        "credits_earned": (_("Credits earned"), "creditsEarned"),
        "issued_on": (_("Awarded on"), "issuedOn"),
        "activity_start_date": (_("From"), "activityStartDate"),
        "activity_end_date": (_("To"), "activityEndDate"),
        "expires": (_("Expires"), "expires"),
        "role": (_("Role"), "role"),
        "license_number": (_("License number"), "licenseNumber"),
        "narrative": (_("Narrative"), "narrative"),
    }

    def __init__(self, chosen: OutlineItem, data: Any = None) -> None:
        super().__init__(data, prefix="item")
        self.chosen = chosen
        self.results: list[dict[str, Any]] = []
        for name, (label, wire) in self.LABELS.items():
            widget = UnfoldAdminTextareaWidget(attrs={"rows": 4}) if name == "narrative" else _text()
            if name in {"issued_on", "activity_start_date", "activity_end_date"}:
                widget = _text(type="date")
            self.fields[name] = forms.CharField(label=label, required=False, widget=widget, max_length=100_000)
            self._mark(name, name, wire)
        for description in chosen.item.assertion.achievement.result_descriptions.all():
            self._add_result(description)

    def _add_result(self, description: Any) -> None:
        key = f"result:{description.public_id}"
        now = editing.value_of(self.chosen.item, key)
        fields = []
        name = f"{key}:value"
        if description.result_type == "Status":
            name = f"{key}:status"
            choices = [("", "–"), *Result.Status.choices]
            self.fields[name] = forms.ChoiceField(
                label=_("Status"), required=False, choices=choices, widget=UnfoldAdminSelectWidget()
            )
            fields.append((name, now["status"]))
        elif description.rubric_criterion_levels.all():
            name = f"{key}:achieved_level"
            levels = [(str(one.public_id), one.name) for one in description.rubric_criterion_levels.all()]
            self.fields[name] = forms.ChoiceField(
                label=_("Level"), required=False, choices=[("", "–"), *levels], widget=UnfoldAdminSelectWidget()
            )
            fields.append((name, now["achieved_level"]))
        elif description.allowed_values:
            values = [(one, one) for one in reversed(description.allowed_values)]
            if now["value"] and now["value"] not in description.allowed_values:
                values.insert(0, (now["value"], now["value"]))
            self.fields[name] = forms.ChoiceField(
                label=description.name, required=False, choices=[("", "–"), *values], widget=UnfoldAdminSelectWidget()
            )
            fields.append((name, now["value"]))
        else:
            self.fields[name] = forms.CharField(label=description.name, required=False, widget=_text())
            fields.append((name, now["value"]))
        for field, value in fields:
            self.fields[field].label = description.name
            self.initial[field] = value
            self._describe(field, key, f"results[].{field.rpartition(':')[2]}")
            if description.value_min and description.value_max:
                self.fields[field].help_text = _("From %(low)s to %(high)s.") % {
                    "low": description.value_min,
                    "high": description.value_max,
                }

    def _mark(self, name: str, key: str, wire: str) -> None:
        value = str(editing.value_of(self.chosen.item, key))
        self.initial[name] = value[:10] if name == "expires" else value
        self._describe(name, key, wire)

    def _describe(self, name: str, key: str, wire: str) -> None:
        field: Any = self.fields[name]
        field.wire_name = wire
        field.edit_key = key
        field.is_edited = key in self.chosen.item.edits
        field.was = self.chosen.item.edits.get(key, {}).get("was")
        field.conflict = self.chosen.conflicts.get(key)

    @classmethod
    def of(cls, chosen: OutlineItem, data: Any = None) -> "ItemForm":
        """The form with what goes into the record now."""
        return cls(chosen, data)

    def clean_expires(self) -> str:
        """A day means its end."""
        text: str = self.cleaned_data["expires"].strip()
        return f"{text}T23:59:59+00:00" if len(text) == 10 else text

    def changes(self) -> dict[str, Any]:
        """What the form would change, in the form that `editing.edit_item` takes."""
        found: dict[str, Any] = {}
        for name in self.changed_data:
            value = self.cleaned_data[name]
            key = self.fields[name].edit_key  # type: ignore[attr-defined]
            if key.startswith("result:"):
                part = name.rpartition(":")[2]
                found[key] = {**editing.value_of(self.chosen.item, key), **found.get(key, {}), part: value}
            else:
                found[key] = value
        return found

    def against_now(self) -> list[dict[str, Any]]:
        """Field by field: what stands now, and what was entered, where they differ."""
        return [
            {
                "field": self.fields[name].label,
                "before": self.initial.get(name, ""),
                "after": self.data[self.add_prefix(name)],
            }
            for name in self.changed_data
        ]


class EvidenceForm(forms.Form):
    """A piece of evidence to add."""

    name = forms.CharField(label=_("Name"), max_length=255, widget=_text())
    url = forms.URLField(label=_("Address"), required=False, assume_scheme="https", widget=UnfoldAdminURLInputWidget())
    description = forms.CharField(label=_("Description"), required=False, max_length=10_000, widget=_text())
    narrative = forms.CharField(
        label=_("Narrative"),
        required=False,
        max_length=100_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("Markdown."),
    )
    file = forms.FileField(
        label=_("File"), required=False, widget=UnfoldAdminFileFieldWidget(), help_text=_("PDF, PNG or JPEG, to 1 MB.")
    )


class ReasonForm(forms.Form):
    """Why something is taken back."""

    comment = forms.CharField(
        label=_("Reason"),
        max_length=2_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("Shown to whoever checks the record."),
    )
