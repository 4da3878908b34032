"""The addresses of rows, of which one answer may hold hundreds."""

from functools import cache

from django.urls import get_script_prefix, reverse
from django.utils.translation import get_language


def path_to(name, *words):
    """Return what `reverse` does for an address whose parts are slugs and keys, looked up once in each language."""
    return pattern(name, len(words), get_language(), get_script_prefix()) % words


@cache
def pattern(name, parts, language, prefix):
    """Return the address of a name with a `%s` for each of its parts; language and prefix are the active ones."""
    marks = [f"part-{n}" for n in range(parts)]
    found = reverse(name, args=marks).replace("%", "%%")
    for mark in marks:
        found = found.replace(mark, "%s")
    return found
