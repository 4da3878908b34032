"""What every page needs to know: its language, its own address in each language, and the ways to the other pages."""

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.urls import NoReverseMatch, get_script_prefix, reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from portal import __version__

# (label, URL name) in the order of the page. An entry whose URL the site does not have is left out.
NAV = [
    (_("Front page"), "portal:front"),
    (_("Reports"), "reports:list"),
    (_("Recommendations"), "recommendations:list"),
    (_("Questions"), "recommendations:question_list"),
    (_("Matrix"), "portal:matrix"),
    (_("Compare"), "portal:compare"),
    (_("Frameworks"), "recommendations:framework_list"),
    (_("Forecasts"), "portal:forecasts"),
    (_("Timeline"), "portal:timeline"),
    (_("Areas"), "recommendations:area_list"),
    (_("Codebook"), "portal:codebook"),
]

FOOT = [
    (
        _("Read"),
        [
            (_("Reports"), "reports:list"),
            (_("Recommendations"), "recommendations:list"),
            (_("Questions"), "recommendations:question_list"),
            (_("Areas"), "recommendations:area_list"),
        ],
    ),
    (
        _("Set side by side"),
        [
            (_("Matrix"), "portal:matrix"),
            (_("Compare"), "portal:compare"),
            (_("Frameworks"), "recommendations:framework_list"),
            (_("Forecasts"), "portal:forecasts"),
            (_("Timeline"), "portal:timeline"),
        ],
    ),
    (
        _("Who and what"),
        [
            (_("Authors"), "reports:author_list"),
            (_("Institutions"), "reports:institution_list"),
            (_("Cited works"), "reports:work_list"),
        ],
    ),
    (
        _("Method and data"),
        [
            (_("Codebook"), "portal:codebook"),
            (_("Corrections"), "portal:corrections"),
            (_("API description"), "schema"),
        ],
    ),
]

# As BCP 47 writes them, for `lang`, `hreflang` and the like; and each language's name for itself.
TAGS = {"zh": "zh-Hans", "en": "en"}
NAMES = {"zh": "中文", "en": "English"}


def address(name):
    """The path of a page by URL name, or None while the site has no such page."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return None


def links(entries, here=""):
    """`entries` that exist, as dicts; the one that `here` is, or lies under, is `current` ("page" or "true")."""
    found = []
    for label, name in entries:
        if url := address(name):
            under = name != "portal:front" and here.startswith(url)
            found.append({"label": label, "url": url, "current": "page" if here == url else "true" if under else ""})
    return found


def in_language(request, prefix):
    """The path of this same page under `prefix`, query included; of that front page if this one has no language.

    Slugs are the same in both languages, so only the prefix changes.
    """
    root, old = get_script_prefix(), getattr(request, "language_prefix", None)
    return f"{root}{prefix}{request.get_full_path().removeprefix(root + old)}" if old else f"{root}{prefix}/"


def absolute(request, path=None):
    """The whole address of a path, or of the request; without the host where it is none of ours (on the 400 page)."""
    try:
        return request.build_absolute_uri(path)
    except DisallowedHost:
        return path or request.get_full_path()


def site(request):
    lang = settings.LANGUAGE_PREFIXES.get(get_language(), "en")
    alternates = [
        {
            "lang": prefix,
            "tag": TAGS[prefix],
            "name": NAMES[prefix],
            "path": (path := in_language(request, prefix)),
            "url": absolute(request, path),
        }
        for prefix in settings.LANGUAGE_PREFIXES.values()
    ]
    front = address("portal:front")
    return {
        "lang": lang,
        "html_lang": TAGS[lang],
        "front_url": front,
        "is_front": request.path == front,
        "nav": links(NAV, request.path),
        "foot": [(title, links(entries)) for title, entries in FOOT],
        "search_url": address("portal:search"),
        "alternates": alternates,
        "other_language": next(other for other in alternates if other["lang"] != lang),
        "canonical": absolute(request),
        "site_version": __version__,
    }
