"""The office's pages on frameworks, on what can be earned, on badges, on what was earned, and on awards to many."""

from apps.achievements.admin import achievements, assertions, awards, badges, endorsements, frameworks

__all__ = ["achievements", "assertions", "awards", "badges", "endorsements", "frameworks"]
