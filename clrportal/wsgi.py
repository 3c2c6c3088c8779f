"""The web application for WSGI servers."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clrportal.settings")
application = get_wsgi_application()

from apps.accounts.production import refuse_unsafe_start  # noqa: E402  needs the applications that were just set up

refuse_unsafe_start()
