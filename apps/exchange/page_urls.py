"""Routes of the pages for people; machines are sent on from there (contract)."""

from django.urls import path

from apps.exchange import pages

urlpatterns = [
    path("clrs/<uuid:public_id>", pages.record, name="public-record"),
    path("assertions/<uuid:public_id>", pages.assertion, name="public-assertion"),
    path("achievements/<uuid:public_id>", pages.achievement, name="public-achievement"),
]
