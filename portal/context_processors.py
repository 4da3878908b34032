"""What every page needs to know: its language, its own address in each language, and the ways to the other pages."""

from functools import cache

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.urls import NoReverseMatch, get_script_prefix, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from portal import __version__, caching
from portal.text import LANGUAGE_TAGS

LABELS = {
    "portal:front": _("Front page"),
    "reports:list": _("Reports"),
    "recommendations:list": _("Recommendations"),
    "recommendations:question_list": _("Questions"),
    "portal:matrix": _("Matrix"),
    "portal:compare": _("Compare"),
    "recommendations:framework_list": _("Frameworks"),
    "portal:forecasts": _("Forecasts"),
    "portal:timeline": _("Timeline"),
    "recommendations:area_list": _("Areas"),
    "recommendations:subject_list": _("Subjects"),
    "portal:codebook": _("Codebook"),
    "reports:author_list": _("Authors"),
    "reports:institution_list": _("Institutions"),
    "reports:work_list": _("Cited works"),
    "portal:corrections": _("Corrections"),
    "portal:search": _("Search"),
    "schema": _("API description"),
}

# URL names in the order of the page. What the site does not have is left out.
READ = ["reports:list", "recommendations:list", "recommendations:question_list"]
ABREAST = [
    "portal:matrix", "portal:compare", "recommendations:framework_list", "portal:forecasts", "portal:timeline",
]  # fmt: skip
NAV = ["portal:front", *READ, *ABREAST, "recommendations:area_list", "portal:codebook"]
FOOT = [
    (_("Read"), [*READ, "recommendations:area_list"]),
    (_("Set side by side"), ABREAST),
    (
        _("Who and what"),
        ["reports:author_list", "reports:institution_list", "recommendations:subject_list", "reports:work_list"],
    ),
    (_("Method and data"), ["portal:search", "portal:codebook", "portal:corrections", "schema"]),
]

NAMES = {"zh": "中文", "en": "English"}  # each language's name for itself


def address(name):
    """The path of a page by URL name, or None while the site has no such page."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return None


@cache
def ways(language, root):
    """Return the ways to the pages that exist, {URL name: (label, path)}, in the active language and under a root."""
    return {name: (str(label), url) for name, label in LABELS.items() if (url := address(name))}


def links(names, here=""):
    """The pages of `names` that exist, as dicts; the one that `here` is, or lies under, is `current` (page or true)."""
    known, found = ways(get_language(), get_script_prefix()), []
    for name in names:
        if name in known:
            label, url = known[name]
            under = name != "portal:front" and here.startswith(url)
            current = "page" if here == url else "true" if under else ""
            found.append({"label": label, "url": url, "current": current})
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
            "tag": LANGUAGE_TAGS[prefix],
            "name": NAMES[prefix],
            "path": (path := in_language(request, prefix)),
            "url": absolute(request, path),
        }
        for prefix in settings.LANGUAGE_PREFIXES.values()
    ]
    front = address("portal:front")
    return {
        "lang": lang,
        "html_lang": LANGUAGE_TAGS[lang],
        "front_url": front,
        "is_front": request.path == front,
        "nav": links(NAV, request.path),
        "foot": [(title, links(names)) for title, names in FOOT],
        "search_url": address("portal:search"),
        "suggest_url": address("portal:suggest"),
        "alternates": alternates,
        "other_language": next(other for other in alternates if other["lang"] != lang),
        "canonical": absolute(request),
        "site_version": __version__,
        "fragment": SimpleLazyObject(lambda: caching.fragment(request)),
    }
