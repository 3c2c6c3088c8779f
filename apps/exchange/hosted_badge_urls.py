"""Routes of hosted Open Badges 2.0 objects; they stand below /ims/ob/v2p0/."""

from django.urls import path

from apps.exchange import hosted_badge_views

urlpatterns = [
    path("<slug:kind>/<str:name>", hosted_badge_views.badge_object, name="ob2-object"),
]
