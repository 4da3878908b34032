"""WSGI entry point: `gunicorn portal.wsgi:application`."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
os.environ.setdefault("STATEMENT_TIMEOUT", "5000")  # a request waits no longer for one answer; a command may

gc.disable()  # what is loaded now stays, so that looking through it again and again is time lost
application = get_wsgi_application()
get_resolver().url_patterns  # noqa: B018  reads every view
gc.freeze()
gc.enable()
