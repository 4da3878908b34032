"""What of an answer can be told from the version of the corpus alone: that it is unchanged, or the page as it was.

An answer is the same as long as nothing that readers see has changed, the software is the same, and the day, which
pages print. So its ETag is made of these and of its address, and a request for what has not changed costs no row.
"""

from functools import cache as cache_once
from hashlib import sha256
from secrets import token_hex

from django.conf import settings
from django.core.cache import caches
from django.core.exceptions import DisallowedHost
from django.http import HttpResponse, HttpResponseNotModified
from django.utils import timezone
from django.utils.http import http_date

from portal import index

CODE = ("*.py", "*.html", "*.mo", "*.json")
SETTLED = 2  # seconds after which a change can no longer share its second with another
CONTROL = "public, max-age=0, must-revalidate"
METHODS = ("GET", "HEAD")


@cache_once
def release():
    """Return what tells this state of the software from any other: when its files were last written."""
    folders = [settings.BASE_DIR / name for name in ("portal", "reports", "recommendations", "templates")]
    files = sorted(path for folder in folders for pattern in CODE for path in folder.rglob(pattern))
    return sha256(repr([(str(path), path.stat().st_mtime_ns) for path in files]).encode()).hexdigest()


def validators(request):
    """Return (ETag, Last-Modified in seconds or None) of whatever is answered at this address now."""
    version = index.version()
    address = request.scheme, request.get_host(), request.get_full_path()
    known = (release(), version.number, str(timezone.localdate()), *address)
    etag = f'W/"{sha256(repr(known).encode()).hexdigest()[:32]}"'
    settled = (timezone.now() - version.changed_at).total_seconds() > SETTLED
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    return etag, int(max(version.changed_at, today).timestamp()) if settled else None


def known(request):
    """Return the validators of what is answered here now, if the request names its ETag in `If-None-Match`; else None.

    An ETag was given with an answer alone, never with a refusal, so nothing else has to be asked. That is not true of a
    date: what has never been here is not unchanged since then.
    """
    told = request.META.get("HTTP_IF_NONE_MATCH", "")
    found = 'W/"' in told and validators(request)
    return found if found and found[0] in told else None


def fragment(request):
    """Return the key of what stands beside the rows of a list, the same on all its pages: facets, counts, summaries.

    While templates are worked on, with DEBUG, nothing is shared.
    """
    if settings.DEBUG:
        return token_hex()
    query = request.GET.copy()
    query.pop("cursor", None)
    return release(), index.version().number, request.get_host(), request.path, query.urlencode()


def mark(response, etag, modified):
    """Say on an answer from when on, and as what, it is known."""
    response["ETag"] = etag
    response["Cache-Control"] = CONTROL
    if modified:
        response["Last-Modified"] = http_date(modified)
    return response


def unchanged(get_response):
    """Middleware before all others: 304 for what its sender has already, at the cost of nearly nothing.

    A request with a key goes its whole way: whether the key is still good, and how it is used, is asked first.
    """

    def middleware(request):
        keyed = "HTTP_AUTHORIZATION" in request.META or "HTTP_X_API_KEY" in request.META
        try:
            found = request.method in METHODS and not keyed and known(request)
        except DisallowedHost:  # is told in the language of the address
            found = None
        if not found:
            return get_response(request)
        response = mark(HttpResponseNotModified(), *found)
        if request.path_info.startswith("/api/"):
            response.headers["Access-Control-Allow-Origin"] = "*"
        return response

    return middleware


def by_version(get_response):
    """Middleware for pages: for everybody the page that was made for the first.

    Pages are the same for every reader: nothing of a cookie or a session is in them. What sets a cookie, the address of
    the language, stands outside of this.
    """

    def middleware(request):
        if request.method not in METHODS or not request.language_prefix:
            return get_response(request)
        etag, modified = validators(request)
        if settings.PAGE_CACHE and (held := caches["pages"].get(etag)):
            content, kind = held
            return mark(HttpResponse(content, content_type=kind), etag, modified)
        response = get_response(request)
        if response.status_code == 200:
            if settings.PAGE_CACHE and not response.streaming and request.method == "GET":
                caches["pages"].set(etag, (response.content, response["Content-Type"]), settings.PAGE_CACHE)
            mark(response, etag, modified)
        return response

    return middleware
