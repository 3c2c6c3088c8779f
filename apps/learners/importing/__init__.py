"""Import of student data: from a OneRoster bundle into the tables, all or nothing, and back out again.

`import_bundle` reads, compares and stores; `undo` takes a whole import back. Rooms above register what depends on an
import (`register_dependency`), what must go first when it is undone (`before_undo`), what to start once one is in
(`after_import`), and where competency items are known (`register_objectives`).
"""

from apps.learners.importing.bundles import Outcome, import_bundle
from apps.learners.importing.protocols import after_import, before_undo, register_dependency, register_objectives
from apps.learners.importing.undoing import UndoRefused, added_by, consequences, reasons_against, undo

__all__ = [
    "Outcome",
    "UndoRefused",
    "added_by",
    "after_import",
    "before_undo",
    "consequences",
    "import_bundle",
    "reasons_against",
    "register_dependency",
    "register_objectives",
    "undo",
]
