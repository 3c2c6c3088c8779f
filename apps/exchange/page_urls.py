"""Routes of the pages for people; machines are sent on from there (contract)."""

from django.urls import path

from apps.exchange import badge_pages, pages

urlpatterns = [
    path("clrs/<uuid:public_id>", pages.record, name="public-record"),
    path("assertions/<uuid:public_id>", pages.assertion, name="public-assertion"),
    path("achievements/<uuid:public_id>", pages.achievement, name="public-achievement"),
    path("badges/<uuid:public_id>", badge_pages.badge, name="public-badge"),
    path("badges/<uuid:public_id>/card.png", badge_pages.card, name="public-badge-card"),
]
