"""What of an answer can be told from the version of the corpus alone: that it is unchanged, or the page as it was.

An answer is the same as long as nothing that readers see has changed, the software is the same, and the day, which
pages print. So its ETag is made of these and of its address, and a request for what has not changed costs no row.
"""

from functools import cache as cache_once
from hashlib import sha256

from django.conf import settings
from django.core.cache import cache
from django.http import HttpResponse
from django.utils import timezone
from django.utils.cache import get_conditional_response
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


def unchanged(request):
    """Return the 304 that answers a request for what its sender has already; None where it has to be made."""
    if not any(name in request.headers for name in ("If-None-Match", "If-Modified-Since")):
        return None
    etag, modified = validators(request)
    return get_conditional_response(request, etag=etag, last_modified=modified)


def mark(response, etag, modified):
    """Say on an answer from when on, and as what, it is known."""
    response["ETag"] = etag
    response["Cache-Control"] = CONTROL
    if modified:
        response["Last-Modified"] = http_date(modified)
    return response


def by_version(get_response):
    """Middleware for pages: 304 for what is unchanged, and for everybody the page that was made for the first.

    Pages are the same for every reader: nothing of a cookie or a session is in them. What sets a cookie, the address of
    the language, stands outside of this.
    """

    def middleware(request):
        if request.method not in METHODS or not request.language_prefix:
            return get_response(request)
        etag, modified = validators(request)
        if found := get_conditional_response(request, etag=etag, last_modified=modified):
            return mark(found, etag, modified) if found.status_code == 304 else found
        held = cache.get(etag) if settings.PAGE_CACHE else None
        if held:
            content, kind = held
            return mark(HttpResponse(content, content_type=kind), etag, modified)
        response = get_response(request)
        if response.status_code == 200:
            if settings.PAGE_CACHE and not response.streaming and request.method == "GET":
                cache.set(etag, (response.content, response["Content-Type"]), settings.PAGE_CACHE)
            mark(response, etag, modified)
        return response

    return middleware
