"""Routes of the wallet itself; they stand below /wallet/."""

from django.urls import path

from apps.wallet import views

urlpatterns = [
    path("", views.wallet, name="wallet"),
    path("add/", views.add, name="wallet-add"),
    path("addresses/", views.addresses, name="wallet-addresses"),
    path("addresses/<str:token>/", views.confirm_address, name="wallet-address"),
    path("items/<uuid:public_id>/", views.item, name="wallet-item"),
    path("items/<uuid:public_id>/file", views.item_file, name="wallet-item-file"),
    path("items/<uuid:public_id>/picture.png", views.picture, name="wallet-item-picture"),
    path("items/<uuid:public_id>/check/", views.check, name="wallet-item-check"),
    path("<uuid:public_id>/delete/", views.delete, name="wallet-item-delete"),
]
