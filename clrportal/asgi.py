"""The web application for ASGI servers."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clrportal.settings")
application = get_asgi_application()

from apps.accounts.production import refuse_unsafe_start  # noqa: E402  needs the applications that were just set up

refuse_unsafe_start()
