"""The discovery document of the CLR 1.0 provider (digest, 5.2; CLR1-P-01)."""

from typing import Any

from django.conf import settings

from apps.exchange.authorization.scopes import CLR_SCOPES
from apps.institution.branding import current_brand
from apps.standards.clr1 import write


def document() -> dict[str, Any]:
    """Name, pages and OAuth addresses of this portal; every address by its own base (SEC-58), CLR scopes alone."""
    base = settings.BASE_URL
    brand = current_brand()
    return write.discovery_document(
        name=brand.name,
        image=f"{base}{brand.logo}" if brand.logo else None,
        authorization_url=f"{base}/o/authorize/",
        registration_url=f"{base}/o/register/",
        token_url=f"{base}/o/token/",
        privacy_policy_url=f"{base}/privacy/",
        terms_of_service_url=f"{base}/terms/",
        scopes_offered=CLR_SCOPES,
    )
