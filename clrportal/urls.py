"""The address table of the portal: nothing but routes to the rooms."""

from django.contrib import admin
from django.urls import include, path

from apps.network import health

urlpatterns = [
    path("", include("apps.accounts.urls")),
    path("", include("apps.institution.urls")),
    path("", include("apps.verification.urls")),
    path("", include("apps.exchange.authorization.urls")),
    path("", include("apps.wallet.share_urls")),
    path("records/", include("apps.issuance.urls")),
    path("ims/clr/v1p0/", include("apps.exchange.clr1.urls")),
    path("ims/clr/v1p0/", include("apps.exchange.hosted_urls")),
    path("ims/ob/v2p0/", include("apps.exchange.hosted_badge_urls")),
    path("", include("apps.exchange.badgeconnect.urls")),
    path("", include("apps.exchange.page_urls")),
    path("wallet/", include("apps.wallet.urls")),
    path("wallet/", include("apps.exchange.connection_urls")),
    path("advising/", include("apps.reporting.urls")),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("admin/", admin.site.urls),
]

handler400 = "apps.network.errors.bad_request"
handler403 = "apps.network.errors.forbidden"
handler404 = "apps.network.errors.not_found"
handler500 = "apps.network.errors.server_error"
