"""The office's pages for the institution and for people with a sign-in."""

from apps.accounts.admin import designs, institution, people, trail

__all__ = ["designs", "institution", "people", "trail"]
