"""The office: Django's admin as its staff see it. Registered in the settings in place of django.contrib.admin."""

from django.contrib.admin.apps import AdminConfig


class OfficeConfig(AdminConfig):
    """Django's admin with the portal's own site."""

    default_site = "apps.accounts.site.OfficeSite"
