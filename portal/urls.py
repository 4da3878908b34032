"""Every address of the portal. Pages stand under a language prefix; the admin, the API and the probes do not."""

from django.contrib import admin
from django.urls import include, path, re_path

import recommendations.api
import recommendations.comparison_api
import recommendations.search_api
import recommendations.views
import reports.api
from portal import api, dumps_api, views
from portal.middleware import language_patterns

portal_patterns = (
    [
        path("", views.front, name="front"),
        path("matrix/", recommendations.views.matrix_page, name="matrix"),
        path("compare/", recommendations.views.compare, name="compare"),
        path("forecasts/", views.forecasts, name="forecasts"),
        path("timeline/", views.timeline, name="timeline"),
        path("about/codebook/", views.codebook, name="codebook"),
        path("search/", views.search, name="search"),
        path("search/suggest/", views.suggest, name="suggest"),
        path("corrections/", views.corrections, name="corrections"),
    ],
    "portal",
)

api_rows = (*reports.api.VIEWS, *recommendations.api.VIEWS)
api_names = {rows.endpoint: f"api-{rows.endpoint}-list" for rows in api_rows}
api_names |= {"matrix": "api-matrix", "compare": "api-compare", "search": "api-search", "dumps": "api-dumps"}
api_names |= {"schema": "schema", "dossier_schema": "api-dossier-schema"}

api_patterns = [
    path("", api.Root.as_view(names=api_names), name="api-root"),
    *(address for rows in api_rows for address in rows.paths()),
    path("matrix/", recommendations.comparison_api.Matrix.as_view(), name="api-matrix"),
    path("compare/", recommendations.comparison_api.Compare.as_view(), name="api-compare"),
    path("search/", recommendations.search_api.Search.as_view(), name="api-search"),
    path("dumps/", dumps_api.Dumps.as_view(), name="api-dumps"),
    path("dumps/<slug:as_of>/", dumps_api.OneDump.as_view(), name="api-dump"),
    path("dumps/<slug:as_of>/<str:file>", dumps_api.DumpFile.as_view(), name="api-dump-file"),
    path("schema/", api.Description.as_view(), name="schema"),
    path("dossier.schema.json", recommendations.api.DossierSchema.as_view(), name="api-dossier-schema"),
    re_path("", api.Elsewhere.as_view()),  # whatever is left, line breaks too; stays last
]

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", include(api_patterns)),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    *language_patterns(
        path("", include(portal_patterns)),
        path("", include("reports.urls")),
        path("", include("recommendations.urls")),
    ),
]
