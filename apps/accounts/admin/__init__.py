"""The office's pages for the institution and for people with a sign-in."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Group

from apps.accounts.admin import designs, institution, people, trail

__all__ = ["designs", "institution", "people", "trail"]

for model in (Authenticator, EmailAddress, Group):  # pages of libraries: secrets, addresses nobody uses, bare roles
    if admin.site.is_registered(model):
        admin.site.unregister(model)
