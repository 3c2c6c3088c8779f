"""The office's pages on learners and on imports of student data."""

from apps.learners.admin import imports, people

__all__ = ["imports", "people"]
