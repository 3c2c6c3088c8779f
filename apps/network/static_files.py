"""Style sheets, scripts and pictures: under names that carry their digest once collected, as they lie before that."""

from django.conf import settings
from whitenoise.storage import CompressedManifestStaticFilesStorage  # type: ignore[import-untyped]


class PortalStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """The collected files, compressed and named by content.

    Outside of production pages also work before `collectstatic` has run: names then stay as they are, and WhiteNoise
    serves the files from where they lie (`WHITENOISE_USE_FINDERS`). In production what was not collected is a fault.
    """

    def stored_name(self, name: str) -> str:
        """The name with its digest; the plain one while nothing was collected."""
        if not self.hashed_files and not settings.PRODUCTION:
            return name
        return str(super().stored_name(name))
