"""Achievements are searched without regard to letter case and accents, as learners are (SEC-32)."""

import re
import unicodedata
from typing import Any

from django.db import migrations, models

_ACCENTS = re.compile("[\u0300-\u036f]+")


def fold(apps: Any, schema_editor: Any) -> None:
    """Fills what is searched of those that stand there; the model fills it from now on."""
    model = apps.get_model("achievements", "Achievement")
    changed: list[Any] = []
    for row in model.objects.only("pk", "human_code", "name", "field_of_study").iterator(chunk_size=2000):
        text = " ".join(part for part in (row.human_code, row.name, row.field_of_study) if part).casefold()
        row.search_text = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", text)))
        changed.append(row)
        if len(changed) >= 2000:
            model.objects.bulk_update(changed, ["search_text"])
            changed = []
    if changed:
        model.objects.bulk_update(changed, ["search_text"])


class Migration(migrations.Migration):
    """A column, and what stands in it."""

    dependencies = [("achievements", "0006_badge_designs")]
    operations = [
        migrations.AddField(
            model_name="achievement",
            name="search_text",
            field=models.TextField(default="", editable=False),
        ),
        migrations.RunPython(fold, migrations.RunPython.noop, elidable=True),
    ]
