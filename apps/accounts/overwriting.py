"""Two people on the same form never overwrite each other silently (REL-25).

A form of the office carries the fingerprint of what it showed: the row and the rows below it. Whoever saves second is
refused, sees both states field by field, and chooses.
"""

import hashlib
from typing import Any, ClassVar

from django import forms
from django.db import models
from django.forms.models import _get_foreign_key
from django.http import HttpRequest
from django.utils.translation import gettext as _

SEEN = "seen_state"


def as_text(value: Any) -> str:
    """A field's value as the difference view shows it."""
    if value is None:
        return ""
    if isinstance(value, (list, tuple, models.QuerySet, models.Manager)):
        rows = value.all() if isinstance(value, models.Manager) else value
        return "\n".join(sorted(map(str, rows)) if isinstance(rows, models.QuerySet) else map(str, rows))
    return str(value)


def differences(form: Any, stored: models.Model) -> list[dict[str, Any]]:
    """What was entered in a form that is not what stands now: field, before and after."""
    found = []
    for name, value in form.cleaned_data.items():
        if name not in form.fields or not hasattr(stored, name):
            continue
        before, after = as_text(getattr(stored, name)), as_text(value)
        if before != after:
            found.append({"field": form.fields[name].label or name, "before": before, "after": after})
    return found


def differences_below(formset: Any) -> list[dict[str, Any]]:
    """The same of the rows of an inline; of a row that is new, or gone in the meantime, there is no before."""
    found = []
    for part in formset.forms:
        stored = formset.model._default_manager.filter(pk=part.instance.pk).first() if part.instance.pk else None
        for name in part.changed_data:
            if name in {"id", "DELETE"} or name not in part.fields:
                continue
            value = getattr(part, "cleaned_data", {}).get(name, "")
            before = as_text(getattr(stored, name, "")) if stored is not None else ""
            if before != as_text(value):
                label = f"{part.instance}: {part.fields[name].label}" if stored is not None else part.fields[name].label
                found.append({"field": label, "before": before, "after": as_text(value)})
    return found


class NoSilentOverwrites:
    """For `ModelAdmin`s: refuses a save over a state that was not seen."""

    guards_edits: ClassVar[bool] = True
    """Off where a page has a guard of its own."""
    change_form_before_template = "admin/conflict.html"

    def state_of(self, request: HttpRequest, obj: models.Model, fields: list[str]) -> str:
        """The fingerprint of a row: of the fields that the form shows, and of the rows below it."""
        content = [self._values(obj, fields), *self.rows_below(request, obj)]
        return hashlib.sha256(repr(content).encode("utf-8", "surrogatepass")).hexdigest()

    def rows_below(self, request: HttpRequest, obj: models.Model) -> list[Any]:
        """The rows that the inlines show."""
        below = []
        for inline in self.get_inline_instances(request, obj):  # type: ignore[attr-defined]
            key = _get_foreign_key(type(obj), inline.model, fk_name=inline.fk_name)
            rows = inline.model._default_manager.filter(**{key.name: obj}).order_by("pk")
            below.append(list(rows.values_list()))
        return below

    @staticmethod
    def _values(obj: models.Model, fields: list[str]) -> list[Any]:
        found: list[Any] = []
        for field in (*obj._meta.concrete_fields, *obj._meta.many_to_many):
            if field.name in fields and isinstance(field, models.ManyToManyField):
                found.append((field.name, sorted(getattr(obj, field.name).values_list("pk", flat=True))))
            elif field.name in fields:
                found.append((field.name, getattr(obj, field.attname)))
        return found

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form, with the fingerprint of what it shows."""
        if not (self.guards_edits and change and isinstance(obj, models.Model)):
            return super().get_form(request, obj, change=change, **kwargs)  # type: ignore[misc]
        page = self
        base = kwargs.pop("form", None) or self.form  # type: ignore[attr-defined]

        class Guarded(base):  # type: ignore[misc,valid-type]
            seen_state = forms.CharField(widget=forms.HiddenInput(), required=False, label="")
            conflict: list[dict[str, Any]] | None = None

            def __init__(self, *args: Any, **more: Any) -> None:
                super().__init__(*args, **more)
                if SEEN in self.fields and self.instance.pk is not None:
                    self.initial[SEEN] = page.state_of(request, self.instance, list(self.fields))

            def clean(self) -> dict[str, Any]:
                """Refuses over a state that was not seen; the row stays locked until the save is done."""
                cleaned: dict[str, Any] = super().clean() or self.cleaned_data
                if SEEN not in self.fields or self.instance.pk is None:
                    return cleaned
                stored = type(self.instance)._base_manager.select_for_update().get(pk=self.instance.pk)
                now = page.state_of(request, stored, list(self.fields))
                if cleaned.get(SEEN) == now:
                    return cleaned
                self.conflict = differences(self, stored)
                entered: Any = self.data.copy()  # type: ignore[has-type]  # a QueryDict
                entered[self.add_prefix(SEEN)] = now
                self.data = entered
                self.add_error(
                    None,
                    _(
                        "Somebody else saved this in the meantime; nothing of yours was stored. Below is what stands"
                        " now and what you entered. Save again to put yours in its place, or open the page anew to"
                        " keep theirs."
                    ),
                )
                return cleaned

        return super().get_form(request, obj, change=change, form=Guarded, **kwargs)  # type: ignore[misc]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """With the place for the fingerprint, where somebody may save."""
        fieldsets = super().get_fieldsets(request, obj)  # type: ignore[misc]
        may = obj is not None and self.has_change_permission(request, obj)  # type: ignore[attr-defined]
        if not (self.guards_edits and may) or not fieldsets:
            return fieldsets
        (title, options), *rest = fieldsets
        fields = [name for name in options["fields"] if name != SEEN]
        return [(title, {**options, "fields": [*fields, SEEN]}), *rest]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """With both states, those of the rows below too, when somebody else saved first."""
        conflict = getattr(context["adminform"].form, "conflict", None)
        if conflict is not None:
            for inline in context["inline_admin_formsets"]:
                conflict += differences_below(inline.formset)
            context["conflict"] = conflict
        return super().render_change_form(request, context, *args, **kwargs)  # type: ignore[misc]
