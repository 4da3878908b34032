"""What templates need to set Chinese and English side by side: texts, dates, stances, addresses."""

import re

from django import template
from django.template.defaultfilters import capfirst
from django.utils.formats import localize
from django.utils.html import format_html, format_html_join
from django.utils.translation import get_language, gettext

from portal.text import LANGUAGE_TAGS, languages, told

register = template.Library()

MONTHS = "January February March April May June July August September October November December".split()


tr = register.filter("tr", told)  # for titles, attributes and plain text


@register.filter
def other(row, field):
    """Return `field` of a row in the language that the page is not in."""
    return getattr(row, f"{field}_{languages()[1]}", "")


@register.filter
def headline(value):
    """Return a sentence as a headline: without its full stop, unless that is part of an abbreviation or an ellipsis."""
    return re.sub(r"(?<![.…])(?<!\b[A-Z])[.。]$", "", value)


@register.simple_tag
def text(row, field, form=""):
    """Set `field` of a row in the page's language; untranslated text comes in its own language, marked as such.

    With "headline" as `form` it is set without its full stop.
    """
    first, second = languages()
    shaped = headline if form == "headline" else str
    if value := getattr(row, f"{field}_{first}", ""):
        return shaped(value)
    if value := getattr(row, f"{field}_{second}", ""):
        return format_html('<span lang="{}">{}</span>', LANGUAGE_TAGS[second], shaped(value))
    return ""


CHOICE = '<label><input type="checkbox" name="{}" value="{}"{}><span>{}</span><span class="num">{}</span></label>\n'


def figure(n):
    """Return a number as the page's language writes it; a short one, as most are, and a word, in all of them alike."""
    return localize(n) if isinstance(n, int) and n >= 1000 else n


@register.simple_tag
def choices(name, values):
    """Set the values of a facet to be ticked: a page has hundreds, and a loop of the template would take too long."""
    return format_html_join(
        "",
        CHOICE,
        ((name, v.value, " checked" if v.chosen else "", capfirst(v.label), figure(v.count)) for v in values),
    )


@register.simple_tag
def gap():
    """Set the blank that English has after a colon or a full stop; full-width marks bring their own."""
    return " " if get_language() == "en" else ""


@register.filter
def bracketed(value):
    """Set a text that follows another in brackets of the page's language, with the blank that English has before."""
    return format_html(" ({})" if get_language() == "en" else "（{}）", value)


@register.filter
def partial_date(value):
    """Set a partial date in words: 2021年2月3日, 3 February 2021, February 2021, 2021; nothing for an unknown one."""
    if not value:
        return ""
    parts = [int(part) for part in value.split("-")]
    if get_language() == "en":
        words = [str(parts[0]), *(MONTHS[month - 1] for month in parts[1:2]), *(str(day) for day in parts[2:])]
        return " ".join(reversed(words))
    return "".join(f"{part}{unit}" for part, unit in zip(parts, "年月日", strict=False))


@register.filter
def date_span(row):
    """Set a row's `date`, and its `date_end` where there is one, leaving out what both share."""
    start, end = row.date, row.date_end
    if not end:
        return partial_date(start)
    if len(start) == len(end) == 10 and start[:7] == end[:7]:
        if get_language() == "en":
            return f"{int(start[8:])}–{partial_date(end)}"
        return f"{partial_date(start)}至{int(end[8:])}日"
    return (
        f"{partial_date(start)}–{partial_date(end)}"
        if get_language() == "en"
        else f"{partial_date(start)}至{partial_date(end)}"
    )


@register.filter
def horizon(value):
    """Set a forecast's horizon in words."""
    words = {
        "short": gettext("in the short term"),
        "term": gettext("within Biden's term"),
        "long": gettext("in the long run"),
    }
    return words.get(value) or partial_date(value)
