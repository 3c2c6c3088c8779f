"""The addresses of the CLR 1.0 API; they stand below /ims/clr/v1p0/ (contract)."""

from django.urls import path

from apps.exchange.clr1 import host

urlpatterns = [
    path("discovery", host.get_discovery, name="clr1-discovery"),
    path("clrs", host.clrs, name="clr1-clrs"),
    path("clrs/<str:name>", host.clr, name="clr1-clr"),
]
