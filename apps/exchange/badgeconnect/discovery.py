"""The manifest of the Badge Connect host (digest, B2; BC-P-01 to P-04)."""

from typing import Any

from django.conf import settings

from apps.exchange.authorization.scopes import BADGE_CONNECT_SCOPES, OFFLINE_ACCESS
from apps.institution.branding import current_brand
from apps.standards.ob2 import connect


def document() -> dict[str, Any]:
    """Name, pages and OAuth addresses of this portal; every address by its own base (SEC-58).

    `offline_access` is listed too: a client that asks for exactly what is listed would get no refresh token.
    """
    base = settings.BASE_URL
    brand = current_brand()
    return connect.manifest(
        base=base,
        name=brand.name,
        image=f"{base}{brand.logo}" if brand.logo else None,
        scopes=(*BADGE_CONNECT_SCOPES, OFFLINE_ACCESS),
        authorization_url=f"{base}/o/authorize/",
        registration_url=f"{base}/o/register/",
        token_url=f"{base}/o/token/",
        token_revocation_url=f"{base}/o/revoke_token/",
        terms_url=f"{base}/terms/",
        privacy_url=f"{base}/privacy/",
    )
