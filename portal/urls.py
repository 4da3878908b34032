"""Every address of the portal. Pages stand under a language prefix; the admin, the API and the probes do not."""

from django.contrib import admin
from django.urls import include, path

from portal import views
from portal.middleware import language_patterns

portal_patterns = (
    [
        path("", views.front, name="front"),
        path("forecasts/", views.forecasts, name="forecasts"),
        path("timeline/", views.timeline, name="timeline"),
        path("about/codebook/", views.codebook, name="codebook"),
        path("corrections/", views.corrections, name="corrections"),
    ],
    "portal",
)

urlpatterns = [
    path("admin/", admin.site.urls),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    *language_patterns(
        path("", include(portal_patterns)),
        path("", include("reports.urls")),
        path("", include("recommendations.urls")),
    ),
]
