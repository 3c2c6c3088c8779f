"""The registrar's editor in the Django admin: records, batches, and the home page of the office."""

from apps.issuance.admin import batches, home, learners, records

__all__ = ["batches", "home", "learners", "records"]
