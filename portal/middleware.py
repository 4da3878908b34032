"""What is true of every request: the language its address names, and what a page may ask of the browser."""

from csp.utils import build_policy
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.db import OperationalError
from django.http import JsonResponse
from django.shortcuts import redirect, render
from django.urls import URLResolver
from django.urls.resolvers import LocalePrefixPattern
from django.utils import translation
from django.utils.cache import patch_vary_headers

CANCELED = "57014"  # SQLSTATE of a statement that PostgreSQL has stopped; its driver is not loaded where SQLite serves
CODES = {prefix: code for code, prefix in settings.LANGUAGE_PREFIXES.items()}

POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer autoplay browsing-topics camera display-capture encrypted-media fullscreen geolocation "
        "gyroscope magnetometer microphone midi payment picture-in-picture publickey-credentials-get "
        "screen-wake-lock usb xr-spatial-tracking"
    ).split()
)


class PrefixPattern(LocalePrefixPattern):
    """The language prefix of an address: `zh/` for simplified Chinese, not `zh-hans/`."""

    @property
    def language_prefix(self):
        code = translation.get_language() or settings.LANGUAGE_CODE
        return f"{settings.LANGUAGE_PREFIXES.get(code, code.partition('-')[0])}/"


def language_patterns(*urls):
    """`i18n_patterns` for the prefixes of this site; only in the root URLconf."""
    return [URLResolver(PrefixPattern(), list(urls))]


def prefix_of(path):
    """`zh` or `en` if `path` (a `path_info`) stands under that prefix, else None."""
    first = path.removeprefix("/").partition("/")[0]
    return first if first in CODES else None


def spoken(code, chunks):
    """`chunks` of a streamed response, still made in language `code` though the view has long returned."""
    with translation.override(code):
        yield from chunks


def language_of_address(get_response):
    """The address decides the language. The bare `/` redirects by cookie, then `Accept-Language`, then to Chinese.

    Under a prefix nothing else is asked. The API speaks English. What is left without a prefix, the admin above all,
    goes by cookie and `Accept-Language` like `/`. A reader's cookie is set only where the choice differs from what `/`
    would have guessed, so most readers carry none. `request.language_prefix` is `zh`, `en` or None.
    """

    def middleware(request):
        path, prefix = request.path_info, prefix_of(request.path_info)
        preferred = translation.get_language_from_request(request)
        if prefix:
            code = CODES[prefix]
        elif path.startswith("/api/"):
            code = "en"
        else:
            code = preferred
        with translation.override(code):
            request.LANGUAGE_CODE, request.language_prefix = code, prefix
            if path == "/" and request.method in ("GET", "HEAD"):
                response = redirect(f"{request.path}{settings.LANGUAGE_PREFIXES[code]}/")
                response.headers["Cache-Control"] = "private, max-age=0"
            else:
                response = get_response(request)
        if response.streaming and not response.is_async:
            response.streaming_content = spoken(code, response.streaming_content)
        if not prefix:
            if not path.startswith("/api/"):
                patch_vary_headers(response, ["Accept-Language", "Cookie"])
        elif code != preferred and request.method == "GET" and response.status_code == 200:
            response.set_cookie(
                settings.LANGUAGE_COOKIE_NAME,
                code,
                max_age=settings.LANGUAGE_COOKIE_AGE,
                httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
                samesite=settings.LANGUAGE_COOKIE_SAMESITE,
                secure=settings.LANGUAGE_COOKIE_SECURE,
            )
        response.headers.setdefault("Content-Language", "zh-Hans" if code == "zh-hans" else code)
        return response

    return middleware


def content_security_policy(get_response):
    """One policy for all pages, written once; what Django shows of an error, with DEBUG, has a style of its own."""
    policy = build_policy()

    def middleware(request):
        response = get_response(request)
        if not (settings.DEBUG and response.status_code in (404, 500)):
            response.headers.setdefault("Content-Security-Policy", policy)
        return response

    return middleware


def permissions_policy(get_response):
    """A page of this portal asks nothing of the reader's device."""

    def middleware(request):
        response = get_response(request)
        response.headers.setdefault("Permissions-Policy", POLICY)
        return response

    return middleware


class OfEditors:
    """Base of what only the admin goes through: no page or answer for readers asks who reads it."""

    def __call__(self, request):
        within = request.path_info.startswith("/admin/")
        return super().__call__(request) if within else self.get_response(request)


class Sessions(OfEditors, SessionMiddleware):
    """Who has logged in, kept from one request to the next."""


class Authentication(OfEditors, AuthenticationMiddleware):
    """`request.user`."""


class Messages(OfEditors, MessageMiddleware):
    """What an editor is told once."""


class TooLong:
    """Answers 503, with what may help, where the database was stopped because one question took it too long."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        if not (isinstance(exception, OperationalError) and getattr(exception.__cause__, "sqlstate", "") == CANCELED):
            return None
        if request.path_info.startswith("/api/"):
            said = "The database was asked for more than it can find in a few seconds; narrow the request."
            return JsonResponse({"detail": said}, status=503)
        return render(request, "503.html", status=503)
