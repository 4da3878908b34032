"""The data dictionary: every member of the objects of the API, its type, its meaning in both languages, its words.

It is read off the serializers and the models behind them, so that it cannot fall behind what the API gives. What no
column of a model says stands in MEANINGS.
"""

from dataclasses import dataclass
from types import UnionType
from typing import get_args, get_origin, get_type_hints

from django.conf import settings
from django.core.exceptions import FieldDoesNotExist
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from drf_spectacular.drainage import get_override
from rest_framework import serializers

from portal.api import WordField

OF_PYTHON = {int: "integer", float: "number", bool: "boolean", str: "text"}
OF_FIELDS = (
    (serializers.BooleanField, "boolean"),
    (serializers.IntegerField, "integer"),
    (serializers.FloatField, "number"),
)
PLACE_IN_LIST = _("place in the list, from 1 on")
MEANINGS = {
    "agreement": _("how the documents’ own answers lie to one another"),
    "api_url": _("address of this object in the API"),
    "areas": _("policy areas"),
    "attributed": _("of somebody of whom the authors report"),
    "children": _("what stands directly below it"),
    "citations": _("places where reports cite it"),
    "cited_works": _("works by this person that reports cite"),
    "comparative": _("made by comparison"),
    "conditional": _("bound to a condition"),
    "contention": _("variance of the stances of own answers, divided by 4; empty below three documents"),
    "contributions": _("who wrote it or took part"),
    "counts": _("how many are coded"),
    "cross_references": _("confirmed relations with recommendations of other reports"),
    "derived": _("derived from other ratings"),
    "digest": _("first 12 hex digits of the SHA-256 of the characters of the place"),
    "dimensions": _("axes of the framework"),
    "end": _("character after the last, white space not counted"),
    "evidence": _("where it is written"),
    "explicit": _("stated outright in the text"),
    "held": _("whether the source text is held by the portal"),
    "joint": _("of all parties together"),
    "key": _("key of the recommendation in its report"),
    "mentions": _("places where reports mention it"),
    "movement": _("described as moving"),
    "outcome": _("outcome of the forecast; empty while open"),
    "outcome_date": _("date of the outcome"),
    "outcome_report": _("report that tells the outcome"),
    "outcome_source": _("address of what tells the outcome"),
    "own": _("of the authors themselves"),
    "own_documents": _("published reports that answer it for themselves"),
    "parts": _("what it consists of"),
    "passage": _("number of the paragraph in which the place begins"),
    "place": _("place in what it is part of, from 1 on"),
    "positions": _("positions, by voice"),
    "quote": _("words of the source; always empty in a dump"),
    "rating_counts": _("ratings by voice and by basis"),
    "ratings": _("ratings"),
    "recommendation_count": _("single recommendations filed here or below, each counted once"),
    "recommendations": _("single recommendations, each counted once"),
    "recommendations_by_voice": _("single recommendations, by voice"),
    "report": _("report"),
    "report_count": _("published reports in which it occurs, each counted once"),
    "report_url": _("address of the report in the API"),
    "reports": _("reports with which it has to do"),
    "restates": _("what it repeats: a key of the same report, or report/key"),
    "restating": _("recommendations that repeat others"),
    "result": _("what came of the forecast"),
    "section": _("key of the section in which the place begins"),
    "sections": _("headings and the stretches of text under them"),
    "source": _("file that was coded"),
    "start": _("first character, counted from 0, white space not counted"),
    "umbrellas": _("recommendations that gather others"),
    "url": _("address of its page, in Chinese"),
    "url_en": _("address of its page, in English"),
}


@dataclass(frozen=True)
class Member:
    """A member of an object. `type` is text, integer, number, boolean or object; of `many`, that of each in a list.

    `words` is the vocabulary of a word, {value: label}; `members` are those of an object. What is for people is lazy.
    """

    name: str
    type: str
    label: str
    note: str = ""
    many: bool = False
    null: bool = False
    words: dict | None = None
    members: tuple = ()


def members(serializer, model=None):
    """Return the members of the object that a serializer gives; `model` is that of a row it tells without saying so."""
    model = getattr(getattr(serializer, "Meta", None), "model", model)
    return tuple(member(serializer, name, field, model) for name, field in serializer.fields.items())


def member(serializer, name, field, model):
    kind, many, null = field, False, field.allow_null
    if isinstance(field, serializers.SerializerMethodField):
        kind, many, null = of_method(getattr(serializer, field.method_name))
    if isinstance(kind, serializers.ListSerializer | serializers.ListField):
        kind, many = kind.child, True
    elif isinstance(kind, serializers.ManyRelatedField):
        kind, many = kind.child_relation, True
    inside = ()
    if isinstance(kind, serializers.BaseSerializer):
        inside = members(kind, model if kind is field and field.source == "*" else None)
    column = column_of(model, field.source)
    return Member(
        name=name,
        type="object" if inside else kind if isinstance(kind, str) else of_field(kind),
        label=column.verbose_name if column else MEANINGS[name],
        note=column.help_text if column else "",
        many=many,
        null=null,
        words={value: label for value, label in kind.choices.choices} if isinstance(kind, WordField) else None,
        members=inside,
    )


def of_method(method):
    """Return (serializer or type, many, null) of what a method is declared to return."""
    declared = get_override(method, "field")
    if isinstance(declared, type) and issubclass(declared, serializers.BaseSerializer):
        return declared(), False, False
    if isinstance(declared, serializers.BaseSerializer):
        return declared, False, False
    if declared:  # an address
        return "text", False, False
    hint = get_type_hints(method)["return"]
    null = isinstance(hint, UnionType)
    many = get_origin(hint) is list
    return OF_PYTHON[get_args(hint)[0] if null or many else hint], many, null


def of_field(field):
    return next((word for kind, word in OF_FIELDS if isinstance(field, kind)), "text")


def column_of(model, path):
    """Return the column or relation of a model to which a dotted source leads, or None where there is none."""
    found = None
    for name in path.split("."):
        try:
            found = model._meta.get_field(name)
        except (AttributeError, FieldDoesNotExist):
            return None
        model = found.related_model
    return found if hasattr(found, "verbose_name") else None


# ---------------------------------------------------------------------------------------------------------------------
# As a list of entries
# ---------------------------------------------------------------------------------------------------------------------


def entries(file, found, above=()):
    """Yield an entry for every member of the objects in a file; `[]` after a name means a list."""
    for one in found:
        path = (*above, one)
        yield entry(file, "", ".".join(f"{step.name}{'[]' if step.many else ''}" for step in path), path, one.type)
        yield from entries(file, one.members, path)


def entry(file, table, field, path, kind):
    """Return what the dictionary says, in both languages, of the field at the end of a path of members."""
    last, told = path[-1], {}
    for code, prefix in settings.LANGUAGE_PREFIXES.items():
        with translation.override(code):
            told[f"meaning_{prefix}"] = " – ".join(str(step.label) for step in path)
            told[f"note_{prefix}"] = str(last.note)
            told[f"words_{prefix}"] = {str(word): str(label) for word, label in (last.words or {}).items()}
    return {"file": file, "table": table, "field": field, "type": kind, "null": last.null, **told}
