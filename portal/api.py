"""What every answer of the API has in common: strict parameters, pages, limits, errors, addresses, its description.

The API is read-only and open to every origin. Each app declares its serializers (`Row`) and viewsets (`Rows`) in its
own `api.py`; `portal.urls` lists them.
"""

import math
import time
from functools import cache, cached_property

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, QueryDict
from django.shortcuts import redirect
from django.urls import Resolver404, path, resolve, reverse
from django.utils import translation
from django.utils.functional import classproperty
from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerFieldExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import build_parameter_type
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiJsonRenderer2
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed, NotFound, ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.metadata import BaseMetadata
from rest_framework.pagination import BasePagination
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.throttling import AnonRateThrottle
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView, exception_handler
from rest_framework.viewsets import ReadOnlyModelViewSet

from portal import caching, index, keys
from portal.addresses import path_to
from portal.filters import (
    VALUE_LENGTH,
    VALUES_MOST,
    OneWordField,
    SortFilter,
    TextFilter,
    WholeFilter,
    WordsFilter,
    YearFacet,
)
from portal.paging import CURSOR_LIMIT, BrokenCursor, Keyset, whole
from portal.renderers import JSONRenderer
from portal.shelf import Shelf
from portal.telling import Telling, fields_of

LANGUAGE = "en"  # in which the API speaks: messages, and the description of itself
SLUG = r"^[-a-zA-Z0-9_]+$"
NOTHING_HERE = "There is nothing at this address."
BAD_REQUEST = "The request has a parameter or a value that is not known here; see errors."
METHODS = "GET, HEAD, OPTIONS"
REQUEST_HEADERS = "Accept, Authorization, Content-Type, X-API-Key"
LIMIT_HEADERS = {
    "X-RateLimit-Limit": "Requests allowed in one window.",
    "X-RateLimit-Remaining": "Requests left in the present window.",
    "X-RateLimit-Reset": "Seconds until the next window begins.",
}


# ---------------------------------------------------------------------------------------------------------------------
# Errors and limits
# ---------------------------------------------------------------------------------------------------------------------


class NotModified(APIException):
    """The sender has already what would be answered."""

    status_code = 304


def refusal(exc, context):
    """Answer an exception in JSON: `detail` is a sentence; a 400 also has `errors`, {parameter: [reason, …]}.

    What is hidden and what never existed answer with the same bytes.
    """
    if isinstance(exc, NotModified):
        return Response(status=304)
    if isinstance(exc, SuspiciousOperation):
        return Response({"detail": "The request cannot be read."}, status=400)
    response = exception_handler(NotFound(NOTHING_HERE) if isinstance(exc, Http404) else exc, context)
    if isinstance(exc, ValidationError):
        response.data = {"detail": BAD_REQUEST, "errors": exc.detail}
    return response


class KeyAuthentication(BaseAuthentication):
    """The key of a request, as `request.auth`. It names nobody: what is seen is what anyone sees."""

    def authenticate(self, request):
        try:
            key = keys.sent(request.headers)
            return None if key is None else (AnonymousUser(), keys.find(key))
        except keys.KeyRefused as refused:
            raise AuthenticationFailed(str(refused)) from None

    def authenticate_header(self, request):
        return "Bearer"


class Throttle(AnonRateThrottle):
    """So many requests in one window of time: of one key, at its own rate; else of one address, at `API_ANON_RATE`.

    One counter per client and window, so that a request costs one small write however high the rate is. Where the
    anonymous have no limit, nobody has.
    """

    def get_rate(self):
        return api_settings.DEFAULT_THROTTLE_RATES.get(self.scope)

    def allow_request(self, request, view):
        allowed = self.rate is None or is_preflight(request) or self.is_within(request, view)
        if request.auth:
            keys.count_use(request.auth.pk, refused=not allowed)
        return allowed

    def is_within(self, request, view):
        """Count a request; tell whether its client may still make it."""
        if request.auth:
            client, self.num_requests, self.duration = f"throttle_key_{request.auth.pk}", request.auth.rate, 3600
        else:
            client = self.get_cache_key(request, view)
        now = time.time()
        window = int(now // self.duration)
        self.reset = (window + 1) * self.duration - now
        used = keys.tick(f"{client}-{window}", self.duration + 1)
        request.limits = (self.num_requests, max(0, self.num_requests - used), math.ceil(self.reset))
        return used <= self.num_requests

    def wait(self):
        return self.reset


def is_preflight(request):
    """Tell whether a browser asks only if it may ask: it cannot send the key along, whose limit is then not reached."""
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


# ---------------------------------------------------------------------------------------------------------------------
# Filters and pages
# ---------------------------------------------------------------------------------------------------------------------


class StrictFilters(BaseFilterBackend):
    """The FilterSet of the list page, told in JSON. An unknown parameter or value is a 400 that names it."""

    def checked(self, request, queryset, view):
        """Return the FilterSet of a request, or refuse what it does not know."""
        params = request.query_params
        errors = {
            name: ["A value cannot hold a NUL character."]
            for name, values in params.lists()
            if any("\0" in text for text in (name, *values))
        }
        if errors:
            raise ValidationError(errors)
        shape, pages = getattr(view, "shape", None), getattr(view, "pagination_class", None)
        filters = params.copy()
        for name in shape.PARAMETERS if shape else ():
            filters.pop(name, None)
        filterset = view.filterset_class(filters, queryset=queryset, request=request)
        errors = {name: [str(reason) for reason in reasons] for name, reasons in filterset.errors.items()}
        errors |= shape.errors if shape else {}
        for name in filterset.presentation - set(pages.PARAMETERS if pages else ()):
            if name in params:
                errors[name] = [f"There is no parameter “{name}” here."]
        if pages:
            errors |= pages.errors(params)
        if errors:
            raise ValidationError(errors)
        return filterset

    def get_schema_operation_parameters(self, view):
        filters = view.filterset_class.base_filters
        return [query_parameter(name, self.shape(word), word.extra.get("help_text")) for name, word in filters.items()]

    @staticmethod
    def shape(word_filter):
        """Return the JSON Schema of a filter's value."""
        if isinstance(word_filter, WholeFilter):
            return {"type": "integer", "minimum": 1, "maximum": word_filter.LIMIT}
        if isinstance(word_filter, TextFilter):
            return {"type": "string", "pattern": r"^[^\u0000]*$", "maxLength": VALUE_LENGTH}
        if isinstance(word_filter, SortFilter):
            return {"type": "array", "items": {"type": "string", "enum": sorted(word_filter.known([]))}}
        if isinstance(word_filter, YearFacet):
            return {"type": "array", "items": {"type": "string", "pattern": r"^\d{4}$"}}
        if isinstance(word_filter, WordsFilter):
            known = getattr(word_filter, "choices", None) or getattr(word_filter, "CHOICES", None)
            word = {"type": "string"} | ({"enum": list(known)} if known else {})
            return word if issubclass(word_filter.field_class, OneWordField) else {"type": "array", "items": word}
        raise TypeError(f"{word_filter!r} has no description for the API.")


def query_parameter(name, schema, description):
    array = {"explode": True, "style": "form"} if schema["type"] == "array" else {}
    with translation.override(LANGUAGE):
        said = str(description)
    return build_parameter_type(name=name, schema=schema, location="query", description=said, **array)


class Pages(BasePagination):
    """Pages by cursor. Whether there is a next one is seen by reading one row more; nothing is counted unasked."""

    SIZE, SIZE_MAX = 20, 100
    PARAMETERS = {
        "cursor": (
            {"type": "string", "pattern": "^[A-Za-z0-9_-]*$", "maxLength": CURSOR_LIMIT},
            "Where the page begins or ends, as `next` and `previous` say it. It belongs to one order of the list, and "
            "stays good while rows come and go; what it looks like inside may change.",
        ),
        "page_size": (
            {"type": "integer", "minimum": 1, "maximum": SIZE_MAX, "default": SIZE},
            f"Rows on a page, at most {SIZE_MAX}.",
        ),
        "count": (
            {"type": "string", "enum": ["on", "off"], "default": "off"},
            "“on” adds `count`, the number of rows on all pages.",
        ),
    }

    @classmethod
    def errors(cls, params):
        """Return {parameter: [reason]} of what cannot be meant; a cursor is understood by its list alone."""
        errors = {}
        if (word := params.get("page_size", "").strip()) and whole(word, cls.SIZE_MAX) is None:
            errors["page_size"] = [f"“{word[:50]}” is not a whole number from 1 to {cls.SIZE_MAX}."]
        if (word := params.get("count", "").strip()) not in ("", "on", "off"):
            errors["count"] = [f"“{word[:50]}” is neither “on” nor “off”."]
        return errors

    def paginate_queryset(self, queryset, request, view=None):
        params = request.query_params
        self.request = request
        size = whole(params.get("page_size", "").strip() or str(self.SIZE), self.SIZE_MAX)
        try:
            self.page = self.pages(queryset, size).page(params.get("cursor", "").strip())
        except BrokenCursor as broken:
            raise ValidationError({"cursor": [str(broken)]}) from None
        self.count = self.counted(queryset) if params.get("count", "").strip() == "on" else None
        return self.page.rows

    @staticmethod
    def pages(filterset, size):
        return Keyset(filterset.ordered(), size, only=["object_id"])

    @staticmethod
    def counted(filterset):
        return filterset.total

    def address(self, cursor):
        return cursor and replace_query_param(self.request.build_absolute_uri(), "cursor", cursor)

    def envelope(self):
        """Return what stands before the rows: the count if asked for, the next and the previous page."""
        counted = {} if self.count is None else {"count": self.count}
        return counted | {"next": self.address(self.page.next), "previous": self.address(self.page.previous)}

    def get_paginated_response(self, data):
        return Response(self.envelope() | {"results": data})

    def get_paginated_response_schema(self, schema):
        link = {"type": ["string", "null"], "format": "uri"}
        here = "https://duizhao.example/api/v1/…/?cursor=WyJ"
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {
                "count": {
                    "type": "integer",
                    "minimum": 0,
                    "description": "Rows on all pages; only with `count=on`.",
                    "example": 253,
                },
                "next": link | {"description": "The next page, if there is one.", "example": f"{here}hZnRlciIsIjA"},
                "previous": link
                | {"description": "The previous page, if there is one.", "example": f"{here}iZWZvcmUiLCI"},
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view):
        return [query_parameter(name, *described) for name, described in self.PARAMETERS.items()]


# ---------------------------------------------------------------------------------------------------------------------
# The shape of an answer
# ---------------------------------------------------------------------------------------------------------------------


class Shape:
    """Which `members` the objects of an answer have, and which of them are given as whole objects (`expand`).

    `errors` is {parameter: [reason]}. A shape of which nobody asked anything has every member, and slugs.
    """

    PARAMETERS = {
        "fields": "Members to give, with commas between or repeated; without it, all.",
        "omit": "Members to leave out, of those in `fields` too. What is not given is not looked up either.",
        "expand": "Members to give as objects instead of slugs, as their own list has them, in short, where they are "
        "given at all; one level deep.",
    }

    def __init__(self, serializer_class, params=None):
        known = serializer_class.Meta.fields
        choices = {"fields": known, "omit": known, "expand": tuple(serializer_class.expands)}
        params = QueryDict() if params is None else params
        asked = {name: self.words(params.getlist(name)) for name in choices}
        self.errors = {}
        for name, words in asked.items():
            there = f"there are {', '.join(choices[name])}" if choices[name] else "there is none"
            if unknown := [word for word in words if word not in choices[name]]:
                self.errors[name] = [f"“{word[:50]}” is not known here; {there}." for word in unknown]
        self.members = [name for name in known if name in (asked["fields"] or known) and name not in asked["omit"]]
        self.whole = len(self.members) == len(known)
        self.expand = [name for name in choices["expand"] if name in asked["expand"] and name in self.members]

    @staticmethod
    def words(values):
        """Return the words of values that are not blank; between two commas there is a word, if none that is known."""
        return list(dict.fromkeys(word.strip() for value in values if value.strip() for word in value.split(",")))

    @classmethod
    def described(cls, serializer_class):
        """Return the parameters as OpenAPI describes them; a serializer that expands nothing has no `expand`."""
        known = serializer_class.Meta.fields
        for name, said in cls.PARAMETERS.items():
            if words := serializer_class.expands if name == "expand" else known:
                schema = {"type": "array", "items": {"type": "string", "enum": list(words)}}
                yield OpenApiParameter(name, schema, description=said, style="form", explode=False)


# ---------------------------------------------------------------------------------------------------------------------
# The description
# ---------------------------------------------------------------------------------------------------------------------


class Options(BaseMetadata):
    """What OPTIONS answers: what is here, and of a list or a matrix what it can be asked."""

    def determine_metadata(self, request, view):
        with translation.override(LANGUAGE):
            told = {
                "name": getattr(view, "endpoint", None) or view.get_view_name(),
                "description": view.get_view_description(),
            }
            if view.is_filtered:
                told |= self.filters(view.filterset_class.base_filters)
            if serializer_class := isinstance(view, Rows) and view.get_serializer_class():
                told |= {"fields": list(serializer_class.Meta.fields), "expand": list(serializer_class.expands)}
            if pages := view.is_filtered and getattr(view, "pagination_class", None):
                told["page_size"] = {"default": pages.SIZE, "minimum": 1, "maximum": pages.SIZE_MAX}
            return told

    @staticmethod
    def filters(filters):
        """Return {"filters": [{name, type, values?, help}], "ordering": [word]}; the type is that of JSON Schema."""
        found, ordering = [], []
        for name, word_filter in filters.items():
            schema = StrictFilters.shape(word_filter)
            values = schema.get("items", schema).get("enum")
            if isinstance(word_filter, SortFilter):
                ordering = values
            else:
                told = {"name": name, "type": schema["type"]} | ({"values": values} if values else {})
                found.append(told | {"help": str(word_filter.extra.get("help_text", ""))})
        return {"filters": found, "ordering": ordering}


class RefusalSerializer(serializers.Serializer):
    """Why a request was not answered."""

    detail = serializers.CharField(help_text="One sentence.")


class BadRequestSerializer(RefusalSerializer):
    """What of a request is not known here. Nothing is ever ignored except a blank value of a known parameter."""

    errors = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()), help_text="The reasons, by name of the parameter."
    )


REFUSALS = {
    "400": (
        BadRequestSerializer,
        f"A parameter or a value is not known here, or all filters together have more than {VALUES_MOST} values.",
        {"detail": BAD_REQUEST, "errors": {"aera": ["There is no filter “aera”; there are area, report."]}},
    ),
    "401": (
        RefusalSerializer,
        "A key was sent that is none, or has expired or been revoked. Without a key everything can be read too.",
        {"detail": "This key has been revoked."},
    ),
    "404": (RefusalSerializer, "There is nothing at this address.", {"detail": NOTHING_HERE}),
    "429": (
        RefusalSerializer,
        "Too many requests.",
        {"detail": "Request was throttled. Expected available in 59 seconds."},
    ),
}


def link(operation, **places):
    """Return an OpenAPI link to an operation, whose parameters stand at these places of an answer."""
    parameters = {name: f"$response.body#/{place}" for name, place in places.items()}
    return {"operationId": operation, "parameters": parameters}


class Schema(AutoSchema):
    """The OpenAPI description of one operation: with every way it can end, and always in the same language."""

    def get_operation(self, *args, **kwargs):
        with translation.override(LANGUAGE):
            return super().get_operation(*args, **kwargs)

    def get_filter_backends(self):
        return getattr(self.view, "filter_backends", ()) if self.view.is_filtered else ()

    def _get_pagination_parameters(self):
        paginator = getattr(self.view, "pagination_class", None) if self.view.is_filtered else None
        return paginator().get_schema_operation_parameters(self.view) if paginator else []

    def _get_parameters(self):
        """Say of each parameter that may be left out that it may as well be blank."""
        parameters = super()._get_parameters()
        for parameter in parameters:
            if parameter["in"] == "query" and not parameter.get("required"):
                parameter["allowEmptyValue"] = True
        return parameters

    def get_override_parameters(self):
        return list(Shape.described(self.view.get_serializer_class())) if isinstance(self.view, Rows) else []

    def _map_basic_serializer(self, serializer, direction):
        """Say of a Row that members may be left out of it, and which may be given as objects."""
        schema = super()._map_basic_serializer(serializer, direction)
        if getattr(serializer, "shaped", False):
            schema.pop("required", None)
            for name, endpoint in serializer.expands.items():
                schema["properties"][name] = self.expanded(schema["properties"][name], endpoint, direction)
        return schema

    def expanded(self, schema, endpoint, direction):
        """Return the description of a member that is as described, or an object of an endpoint in short."""
        if schema.get("type") == "array":
            return schema | {"items": self.expanded(schema["items"], endpoint, direction)}
        short = self.resolve_serializer(rows_of(endpoint).serializer_class.in_short(), direction).ref
        said = {"description": schema["description"]} if "description" in schema else {}
        return {"anyOf": [{name: value for name, value in schema.items() if name != "description"}, short]} | said

    def get_tags(self):
        return [self.path.removeprefix("/api/v1/").partition("/")[0].replace(".", "_") or "root"]

    def get_operation_id(self):
        """Return a name that programs can use."""
        return super().get_operation_id().replace(".", "_")

    def get_summary(self):
        name = getattr(self.view, "endpoint", None)
        return name and (f"List {name}" if self.view.action == "list" else f"One of the {name}")

    def get_examples(self):
        value = getattr(self.view, "example", None) or getattr(self.get_response_serializers(), "example", None)
        return [OpenApiExample("Example", value=value, response_only=True, status_codes=["200"])] if value else []

    def _get_serializer_field_meta(self, field, direction):
        """Leave out that a member is read-only: in an API that only reads, every one is."""
        meta = super()._get_serializer_field_meta(field, direction)
        meta.pop("readOnly", None)
        return meta

    def _resolve_path_parameters(self, variables):
        return [
            build_parameter_type(
                name=name, schema={"type": "string", "pattern": SLUG}, location="path", description=KEYS[name]
            )
            for name in variables
        ]

    def _get_response_bodies(self, direction="response"):
        bodies = super()._get_response_bodies(direction)
        limits = {
            name: {"schema": {"type": "integer", "minimum": 0}, "description": said}
            for name, said in LIMIT_HEADERS.items()
        }
        for body in bodies.values():
            body["headers"] = limits
            body["description"] = body["description"] or "As asked."
        if links := getattr(self.view, "links", {}):
            bodies["200"]["links"] = links
        for code, (serializer, description, value) in REFUSALS.items():
            if code == "404" and "{" not in self.path:  # a list may be empty, and is there
                continue
            bodies[code] = {
                "description": description,
                "headers": dict(limits),
                "content": {
                    "application/json": {
                        "schema": self.resolve_serializer(serializer, direction).ref,
                        "examples": {"Example": {"value": value}},
                    }
                },
            }
        bodies["401"]["headers"]["WWW-Authenticate"] = {
            "schema": {"type": "string", "enum": ["Bearer"]},
            "description": "How a key is sent.",
        }
        bodies["429"]["headers"]["Retry-After"] = {
            "schema": {"type": "integer", "minimum": 1},
            "description": "Seconds to wait.",
        }
        return bodies


class KeyScheme(OpenApiAuthenticationExtension):
    """Describes the two headers in which a key may be sent. Neither is needed."""

    target_class = KeyAuthentication
    name = ["bearer", "header"]

    def get_security_definition(self, auto_schema):
        said = "A key, which raises the limit and changes nothing else. Editors of the portal give one on request."
        return [
            {"type": "http", "scheme": "bearer", "bearerFormat": "dz_<prefix>_<secret>", "description": said},
            {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key in another header."},
        ]

    def get_security_requirement(self, auto_schema):
        return [{name: []} for name in self.name]


KEYS = {
    "slug": "Slug of the object.",
    "report": "Slug of the report.",
    "key": "Key inside the report.",
    "kind": "Kind of relation.",
    "source_report": "Slug of the report that the relation starts from.",
    "source_key": "Key of the recommendation that the relation starts from.",
    "target_report": "Slug of the report that the relation leads to.",
    "target_key": "Key of the recommendation that the relation leads to.",
}


@cache
def description():
    """Return the OpenAPI description. It depends on the code alone, so one process makes it once."""
    with translation.override(LANGUAGE):
        return SchemaGenerator().get_schema(request=None, public=True)


# ---------------------------------------------------------------------------------------------------------------------
# Views
# ---------------------------------------------------------------------------------------------------------------------


class Api(APIView):
    """A public, read-only answer in JSON. Unless it `is_filtered`, by filters of its own, it takes no parameter."""

    is_filtered = False
    versioned = True  # whether the answer is the same as long as the corpus and the address are
    authentication_classes = (KeyAuthentication,)
    throttle_classes = (Throttle,)
    metadata_class = Options
    http_method_names = ("get", "head", "options")
    schema = Schema()

    def perform_authentication(self, request):
        """Refuse a bad key; first count it like a request without one, by address, so that guessing has an end."""
        try:
            super().perform_authentication(request)
        except AuthenticationFailed:
            self.check_throttles(request)
            raise

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        reading = request.method in ("GET", "HEAD")
        if reading and not self.is_filtered and (errors := self.faults(request.query_params)):
            raise ValidationError(errors)
        if reading and self.versioned and caching.known(request._request):
            raise NotModified

    def faults(self, params):
        """Return {parameter: [reason]} of what an address without filters does not take."""
        return {name: [f"There is no parameter “{name}” here."] for name in params}

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        if self.versioned and request.method in ("GET", "HEAD") and response.status_code in (200, 304):
            caching.mark(response, *caching.validators(request._request))
        response["Access-Control-Allow-Origin"] = "*"
        response["Access-Control-Expose-Headers"] = ", ".join([*LIMIT_HEADERS, "Retry-After"])
        if request.method == "OPTIONS":
            response["Access-Control-Allow-Methods"] = METHODS
            response["Access-Control-Allow-Headers"] = REQUEST_HEADERS
            response["Access-Control-Max-Age"] = "86400"
        for name, value in zip(LIMIT_HEADERS, getattr(request, "limits", ()), strict=False):
            response[name] = str(value)
        return response


def rows_of(endpoint):
    """Return the Rows of an endpoint: by address, because endpoints of all apps lead to one another."""
    return resolve(reverse(f"api-{endpoint}-list")).func.cls


told = Shelf(most=5_000)  # objects, of three thousand bytes or so


@cache
def kept_sources(rows_class):
    """Return (QuerySet, what `along()` returns) of Rows: nothing of a request is in them, and they are slow to make."""
    view = rows_class()
    return view.get_queryset(), view.along()


class Rows(Api, ReadOnlyModelViewSet):
    """The list and the detail of one kind of object. `keys` says which columns the words of its address name."""

    filter_backends = (StrictFilters,)
    pagination_class = Pages
    filterset_class = None
    detail_serializer_class = None
    keys = {"slug": "slug"}
    timeless = True  # whether its QuerySets are made without asking the database, and so can be kept
    endpoint = classproperty(lambda cls: cls.serializer_class.endpoint)
    is_filtered = property(lambda self: self.action_map["get"] == "list")

    @classmethod
    def paths(cls):
        """Return the addresses of list and detail."""
        name = cls.endpoint
        words = "".join(f"<slug:{key}>/" for key in cls.keys)
        return [
            path(f"{name}/", cls.as_view({"get": "list"}), name=f"api-{name}-list"),
            path(f"{name}/{words}", cls.as_view({"get": "retrieve"}), name=f"api-{name}-detail"),
        ]

    @property
    def links(self):
        """The OpenAPI links of a list: where the words of the address of its first object stand in the answer."""
        places = {key: column.removesuffix("__slug").replace("__", "/") for key, column in self.keys.items()}
        words = {key: f"results/0/{place}" for key, place in places.items()}
        return {"first": link(f"{self.endpoint}_retrieve", **words)} if self.is_filtered else {}

    @cached_property
    def shape(self):
        return Shape(self.get_serializer_class(), self.request.query_params)

    def faults(self, params):
        return super().faults([name for name in params if name not in Shape.PARAMETERS]) | self.shape.errors

    def get_serializer_class(self):
        detail = not self.is_filtered and self.detail_serializer_class
        return detail or self.serializer_class

    def along(self):
        """Return {member: what it needs of `prefetch_related`}; a member that is not given is not looked up."""
        return {}

    @cached_property
    def sources(self):
        return kept_sources(type(self)) if self.timeless else (self.get_queryset(), self.along())

    def rows(self):
        """Return the rows with what the members of the answer need, and no more."""
        rows, needs = self.sources
        lookups = dict.fromkeys(lookup for name in self.shape.members for lookup in needs.get(name, ()))
        return rows.prefetch_related(*lookups)

    def fetch(self, rows, keys):
        """Return {primary key: row} of those of the rows that have these keys."""
        return rows.in_bulk(keys)

    def get_object(self):
        wanted = {column: self.kwargs[key] for key, column in self.keys.items()}
        keys = list(self.get_queryset().filter(**wanted).order_by().values_list("pk", flat=True)[:1])
        row = next(iter(self.fetch(self.rows(), keys).values()), None) if keys else None
        if row is None:
            raise NotFound(NOTHING_HERE)
        return row

    def shows(self, *names):
        """Tell whether the answer has one of these members."""
        return any(name in self.shape.members for name in names)

    def learn(self, rows):
        """Return what the serializers must know besides these rows, {name: value}, in a constant number of queries."""
        return {}

    def represent(self, rows):
        context = self.get_serializer_context() | self.learn(rows)
        serializer = self.get_serializer_class()(context=context)
        serializer.members = set(self.shape.members)
        serializer.slugs = {name: self.slugs_of(rows, name, slug) for name, slug in self.plainly_many} if rows else {}
        data = [serializer.to_representation(row) for row in rows]
        for name in self.shape.expand:
            self.put_objects(name, rows, data, serializer.slugs.get(name))
        return data

    @property
    def plainly_many(self):
        """The members of which nothing is read but the slugs of whatever is related: see `slugs_of`."""
        fields, apart = fields_of(self.get_serializer_class()), self.sources[1]
        many = (name for name in self.shape.members if isinstance(fields[name], serializers.ManyRelatedField))
        return [(name, fields[name].child_relation.slug_field) for name in many if name not in apart]

    @staticmethod
    def slugs_of(rows, name, slug):
        """Return {primary key: [(primary key, slug) of what is related]} for a member that has many, in their order."""
        model = type(rows[0])
        order = [f"{name}__{column}" for column in model._meta.get_field(name).related_model._meta.ordering]
        related = model._base_manager.filter(pk__in=[row.pk for row in rows], **{f"{name}__isnull": False})
        found = {}
        for pk, *one in related.order_by(*order).values_list("pk", f"{name}__pk", f"{name}__{slug}"):
            found.setdefault(pk, []).append(one)
        return found

    def put_objects(self, name, rows, data, slugs=None):
        """Put the objects of another endpoint in place of their slugs, for all rows at once.

        A slug without an object there stays a slug. `slugs` are those of a member that has many: see `slugs_of`.
        """
        field = fields_of(self.get_serializer_class())[name]
        if slugs is None:
            related = [[] if (one := field.get_attribute(row)) is None else [one.pk] for row in rows]
        else:
            related = [[pk for pk, _slug in slugs.get(row.pk, ())] for row in rows]
        endpoint = rows_of(self.get_serializer_class().expands[name])
        objects = endpoint.objects(self.request, {pk for found in related for pk in found}, short=True)
        for told, found in zip(data, related, strict=True):
            if slugs is not None:
                told[name] = [objects.get(pk, slug) for pk, slug in zip(found, told[name], strict=True)]
            elif found:
                told[name] = objects.get(found[0], told[name])

    @classmethod
    def objects(cls, request, keys, short=False):
        """Return {primary key: object} as the list gives them: for a list page as JSON Lines, in short for `expand`."""
        serializer_class = cls.serializer_class.in_short() if short else cls.serializer_class
        view = cls(
            request=request,
            action_map={"get": "list"},
            format_kwarg=None,
            serializer_class=serializer_class,
            shape=Shape(serializer_class),
        )
        return view.made(keys)

    def list(self, request, *args, **kwargs):
        page = self.paginate_queryset(StrictFilters().checked(request, self.sources[0], self))
        return self.get_paginated_response(self.told([entry.object_id for entry in page]))

    def told(self, wanted):
        """Return the objects with these primary keys, in their order; what has just gone is left out.

        Whole ones are kept for as long as the corpus stays as it is: many lists and many readers share them.
        """
        held = told(index.version().number, self.request.scheme, self.request.get_host(), type(self))
        missing = [pk for pk in wanted if pk not in held]
        if self.shape.expand or missing and not self.shape.whole:
            found = self.made(wanted)
        else:
            held |= self.made(missing) if missing else {}
            found = {pk: {name: held[pk][name] for name in self.shape.members} for pk in wanted if pk in held}
        return [found[pk] for pk in wanted if pk in found]

    def made(self, keys):
        """Return {primary key: object} of those of these rows that are public."""
        rows = self.fetch(self.rows(), keys)
        return dict(zip(rows, self.represent(list(rows.values())), strict=True))

    def retrieve(self, request, *args, **kwargs):
        return Response(self.represent([self.get_object()])[0])


@extend_schema(responses={200: OpenApiResponse(OpenApiTypes.OBJECT, "Addresses by name of the endpoint.")})
class Root(Api):
    """Where everything is: the address of every list, of this description, and of the schema of a dossier."""

    names = {}  # {endpoint: name of its URL}, given by portal.urls
    example = {"reports": "https://duizhao.example/api/v1/reports/"}

    def get(self, request):
        return Response({name: request.build_absolute_uri(reverse(url)) for name, url in self.names.items()})


@extend_schema(exclude=True)
class Description(Api):
    """The OpenAPI 3.1 description of this API."""

    renderer_classes = (JSONRenderer, OpenApiJsonRenderer, OpenApiJsonRenderer2)

    def get(self, request):
        return Response(description())


@extend_schema(exclude=True)
class Elsewhere(Api):
    """Whatever else is asked for under the API: with a slash at its end it may exist; else a 404 in JSON."""

    def initial(self, request, *args, **kwargs):
        if not request.path_info.endswith("/"):
            try:
                if getattr(resolve(f"{request.path_info}/").func, "cls", None) is not Elsewhere:
                    return
            except Resolver404:
                pass
        self.perform_authentication(request)
        self.check_throttles(request)
        raise NotFound(NOTHING_HERE)

    def get(self, request):
        return redirect(request.get_full_path(force_append_slash=True), permanent=True)


# ---------------------------------------------------------------------------------------------------------------------
# Serializers
# ---------------------------------------------------------------------------------------------------------------------


def addresses(endpoint, page=None):
    """Return the addresses of an example: `endpoint` is its path in the API, `page` that of its page if another."""
    site = "https://duizhao.example"
    pages = {name: f"{site}/{prefix}/{page or endpoint}" for name, prefix in (("url", "zh"), ("url_en", "en"))}
    return {**pages, "api_url": f"{site}/api/v1/{endpoint}"}


class WordField(serializers.ReadOnlyField):
    """A word of a closed vocabulary (`TextChoices`); with `blank`, it may be empty."""

    def __init__(self, choices, *, blank=False, **kwargs):
        self.choices, self.blank = choices, blank
        super().__init__(**kwargs)


class WordFieldExtension(OpenApiSerializerFieldExtension):
    """Describes a vocabulary once, under the name of its class: `ReportKind` for `Report.Kind`."""

    target_class = WordField

    def get_name(self):
        return self.target.choices.__qualname__.replace(".", "") + ("OrEmpty" if self.target.blank else "")

    def map_serializer_field(self, auto_schema, direction):
        words = {value: str(label) for value, label in self.target.choices.choices if value}
        meaning = "\n".join(f"* `{value}`: {label}" for value, label in words.items())
        values = [*words, ""] if self.target.blank else [*words]
        return {"type": "string", "enum": values, "description": meaning}


class Slug(serializers.SlugRelatedField):
    """A related object, as its slug."""

    def __init__(self, help_text="", slug_field="slug", **kwargs):
        super().__init__(slug_field=slug_field, read_only=True, help_text=help_text, **kwargs)

    @classmethod
    def many_init(cls, help_text, *args, **kwargs):
        """Describe the list, not each of its words."""
        kwargs.pop("many", None)
        return serializers.ManyRelatedField(cls("", *args, **kwargs), read_only=True, help_text=help_text)


class Plain(Telling, serializers.ModelSerializer):
    """Columns of a row, all of them given and none taken."""

    def get_extra_kwargs(self):
        return {name: {"read_only": True} for name in self.Meta.fields}


class Row(Plain):
    """An object with a page and an address in the API. `endpoint` is the first word of that address.

    `expands` are the members that may be given as objects, {member: their endpoint}; `heavy` those that are left out
    where the object stands in another one. A Row that is not `shaped` is always whole.
    """

    ADDRESSES = ("url", "url_en", "api_url")
    endpoint = None
    expands = {}
    heavy = ()
    shaped = True

    url = serializers.SerializerMethodField()
    url_en = serializers.SerializerMethodField()
    api_url = serializers.SerializerMethodField()

    @classmethod
    @cache
    def in_short(cls):
        """Return the serializer of this object where it stands in another one."""
        fields = tuple(name for name in cls.Meta.fields if name not in cls.heavy)
        said = f"{cls.__doc__.partition(chr(10))[0]} In short, as `expand` gives it."
        values = {"Meta": type("Meta", (cls.Meta,), {"fields": fields}), "expands": {}, "shaped": False}
        return type(f"Short{cls.__name__}", (cls,), values | {"__doc__": said})

    @property
    def origin(self):
        """Scheme and host of the request, asked once an answer."""
        if "origin" not in self.context:
            self.context["origin"] = self.context["request"].build_absolute_uri("/")[:-1]
        return self.context["origin"]

    @extend_schema_field(OpenApiTypes.URI)
    def get_url(self, row):
        """The page, in Chinese."""
        with translation.override(settings.LANGUAGE_CODE):
            return self.origin + self.page(row)

    @extend_schema_field(OpenApiTypes.URI)
    def get_url_en(self, row):
        """The page, in English."""
        with translation.override(LANGUAGE):
            return self.origin + self.page(row)

    @extend_schema_field(OpenApiTypes.URI)
    def get_api_url(self, row):
        """This object in the API."""
        return self.origin + path_to(f"api-{self.endpoint}-detail", *row.natural_key())

    def page(self, row):
        """Return the path of the row's page in the active language."""
        return row.get_absolute_url()
