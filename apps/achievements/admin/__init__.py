"""What can be earned, in the office: competency frameworks with their items."""

from apps.achievements.admin import frameworks

__all__ = ["frameworks"]
