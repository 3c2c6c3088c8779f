"""The addresses of the Badge Connect API (contract)."""

from django.urls import path

from apps.exchange.badgeconnect import host
from apps.standards.ob2 import connect

_BELOW = connect.PATH.lstrip("/")
urlpatterns = [
    path(connect.MANIFEST_PATH.lstrip("/"), host.get_manifest, name="badgeconnect-manifest"),
    path(f"{_BELOW}/assertions", host.assertions, name="badgeconnect-assertions"),
    path(f"{_BELOW}/profile", host.profile, name="badgeconnect-profile"),
]
