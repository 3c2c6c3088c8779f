"""The office's pages of exchange. The library's own pages for clients and tokens are not shown (SEC-42)."""

from django.contrib import admin
from oauth2_provider import models as library

from apps.exchange.admin import intake

__all__ = ["intake"]

for _model in (
    library.get_application_model(),
    library.get_grant_model(),
    library.get_access_token_model(),
    library.get_refresh_token_model(),
    library.get_id_token_model(),
    library.get_device_grant_model(),
):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)
