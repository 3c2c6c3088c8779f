"""Routes of hosted CLR 1.0 objects; they stand below /ims/clr/v1p0/, after those of the API."""

from django.urls import path

from apps.exchange import hosted_views

urlpatterns = [
    path("<slug:kind>/<str:name>", hosted_views.hosted_object, name="clr1-object"),
]
