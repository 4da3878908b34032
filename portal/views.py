"""The list shape that every list page has, and the pages that belong to no one app."""

from django.core.paginator import Paginator
from django.db import DatabaseError, connection
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

PAGE_SIZE = 20
# What a query may say besides its filters: see portal.filters.PRESENTATION.


def listing(request, filterset_class, queryset, template, **context):
    """Answer with one page of a filtered list, its facets and chips.

    An unknown parameter or value is a 400 that names it. `context` is added to the template's, which also has
    `filterset`, `page_obj`, `facets`, `chips` and `total`.
    """
    filterset = filterset_class(request.GET, queryset=queryset, request=request)
    number = request.GET.get("page", "1") or "1"
    if not filterset.is_valid():
        return refusal(request, filterset.errors)
    paginator = Paginator(filterset.qs, PAGE_SIZE)
    if not number.isdecimal() or not 1 <= int(number) <= paginator.num_pages:
        return refusal(request, {"page": [_("There is no page “%(number)s” of this list.") % {"number": number}]})
    shown = {
        "filterset": filterset,
        "page_obj": paginator.page(int(number)),
        "total": paginator.count,
        "facets": filterset.facets(),
        "chips": [chip | {"url": without(request, chip)} for chip in filterset.chips()],
        "sorting": sorting(request, filterset),
    }
    return render(request, template, shown | context)


def refusal(request, errors):
    """Answer 400 with each parameter that was not understood, and why."""
    return render(request, "400.html", {"errors": errors}, status=400)


def without(request, chip):
    """Return this page's address without one chosen value, and from the first page on."""
    query = request.GET.copy()
    query.pop("page", None)
    query.setlist(chip["name"], [value for value in query.getlist(chip["name"]) if value != chip["value"]])
    return f"{request.path}?{query.urlencode()}" if query else request.path


def sorting(request, filterset):
    """Return the ways to sort a list: [{label, url, current}], the first being the default."""
    chosen = filterset.form.cleaned_data.get("ordering") or []
    found = []
    words = filterset.filters["ordering"].words
    for place, (word, label) in enumerate(words.items()):
        query = request.GET.copy()
        query.pop("page", None)
        query["ordering"] = word
        current = chosen == [word] or not chosen and place == 0
        found.append({"label": label, "url": f"{request.path}?{query.urlencode()}", "current": current})
    return found


@require_safe
@never_cache
def healthz(request):
    """Say that the process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request):
    """Say whether the database answers: 200, or 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"database": "down"}, status=503)
    return JsonResponse({"database": "ok"})


def page(request):
    return HttpResponse("")


front = forecasts = timeline = codebook = corrections = page
