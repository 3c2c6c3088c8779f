"""Evidence that a registrar adds to an item of a draft: a page, a text, or a file kept in the store (SEC-35)."""

import re
import unicodedata
from typing import Any

from django.utils.translation import gettext as _

from apps.institution import files
from apps.issuance import editing, previewing
from apps.issuance.content import MAX_ATTACHED
from apps.issuance.models import Record

LIMIT = MAX_ATTACHED
"""The largest file that goes into a record, which carries it within."""
SIGNATURES = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
)


def media_type_of(content: bytes) -> str:
    """The media type by content, never by name; raises `EditRefused` for what a record does not carry."""
    for signature, media_type in SIGNATURES:
        if content.startswith(signature):
            return media_type
    raise editing.EditRefused("file", _("Only PDF, PNG and JPEG files can be attached. The file was not stored."))


def clean_name(name: str) -> str:
    """A file's name without path, control and bidirectional characters."""
    last = re.split(r"[/\\]", name)[-1]
    kept = "".join(one for one in last if unicodedata.category(one) not in {"Cc", "Cf", "Cs", "Co"})
    return kept.strip(" .")[:255] or _("file")


def attach(record: Record, item_id: int, piece: dict[str, Any], *, by: Any, version: int) -> None:
    """Adds a piece of evidence: `name`, `url`, `description`, `narrative`, and a `file` (uploaded) or none."""
    artifacts = []
    upload = piece.get("file")
    if upload:
        if upload.size > LIMIT:
            raise editing.EditRefused("file", _("The file is larger than 1 MB. It was not stored."))
        content = upload.read()
        media_type = media_type_of(content)
        artifacts.append(
            {
                "name": clean_name(upload.name),
                "description": "",
                "url": "",
                "file_digest": files.put(content),
                "media_type": media_type,
                "size": len(content),
            }
        )
    added = {
        **{key: piece.get(key, "").strip() for key in ("name", "url", "description", "narrative")},
        "genre": "",
        "audience": "",
        "artifacts": artifacts,
    }
    now = editing.value_of(previewing.item(record, item_id).item, "evidence")
    editing.edit_item(record, item_id, by=by, version=version, changes={"evidence": [*now, added]})


def drop(record: Record, item_id: int, place: int, *, by: Any, version: int) -> None:
    """Leaves one piece of evidence out of the record; the source keeps it."""
    now = list(editing.value_of(previewing.item(record, item_id).item, "evidence"))
    if not 0 <= place < len(now):
        raise editing.EditRefused("evidence", _("This piece of evidence is not there any more."))
    del now[place]
    editing.edit_item(record, item_id, by=by, version=version, changes={"evidence": now})
