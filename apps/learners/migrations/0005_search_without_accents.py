"""Texts that are searched lose the accents of Latin, Greek and Cyrillic letters (SEC-32)."""

import re
import unicodedata
from typing import Any

from django.db import migrations

_ACCENTS = re.compile("[\u0300-\u036f]+")
_FIELDS = ("sort_name", "search_text")


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", text)))


def fold(apps: Any, schema_editor: Any) -> None:
    """Folds what stands there; whoever is saved later is folded by the model."""
    model = apps.get_model("learners", "Learner")
    changed: list[Any] = []
    for row in model.objects.only("pk", *_FIELDS).iterator(chunk_size=2000):
        before = [getattr(row, name) for name in _FIELDS]
        after = [_folded(text) for text in before]
        if before != after:
            for name, text in zip(_FIELDS, after, strict=True):
                setattr(row, name, text)
            changed.append(row)
        if len(changed) >= 2000:
            model.objects.bulk_update(changed, _FIELDS)
            changed = []
    if changed:
        model.objects.bulk_update(changed, _FIELDS)


class Migration(migrations.Migration):
    """Data alone."""

    dependencies = [("learners", "0004_endorsements")]
    operations = [migrations.RunPython(fold, migrations.RunPython.noop, elidable=True)]
