"""The API of dumps: which there are, and their files, each of which can be fetched in pieces."""

import re
from io import FileIO

from django.http import FileResponse, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from drf_spectacular.plumbing import build_parameter_type
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from portal import __version__, dumps
from portal.api import NOTHING_HERE, Api, RefusalSerializer, Schema, link
from portal.export import origin

LATEST = "latest"  # in an address, in place of the moment of a dump
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII | re.IGNORECASE)
BLOCK = 64 * 1024
FILE_HEADERS = {
    "ETag": ("string", "The SHA-256 of the file."),
    "Last-Modified": ("string", "The moment of the dump."),
    "Accept-Ranges": ("string", "Always `bytes`."),
    "Content-Length": ("integer", "Bytes in this answer."),
}
RANGE_HEADERS = FILE_HEADERS | {"Content-Range": ("string", "Which bytes these are, and of how many.")}


# ---------------------------------------------------------------------------------------------------------------------
# The description
# ---------------------------------------------------------------------------------------------------------------------

PATH = {
    "as_of": (rf"^({dumps.NAME.pattern}|{LATEST})$", "Moment of a dump in UTC; `latest` leads to the newest one."),
    "file": (r"^[A-Za-z0-9._-]+$", "Name of a file, as in the manifest."),
}


class DumpSchema(Schema):
    """What is told of an address at which something of a dump is."""

    def get_operation_id(self):
        return self.view.operation

    def get_summary(self):
        return self.view.summary

    def _resolve_path_parameters(self, variables):
        return [
            build_parameter_type(
                name=name,
                schema={"type": "string", "pattern": PATH[name][0]},
                location="path",
                description=PATH[name][1],
            )
            for name in variables
        ]

    def _get_response_bodies(self, direction="response"):
        bodies = super()._get_response_bodies(direction)
        for code, headers in self.view.answers.items():
            told = {name: {"schema": {"type": kind}, "description": said} for name, (kind, said) in headers.items()}
            bodies[code]["headers"] = bodies[code]["headers"] | told
        return bodies


class FileSerializer(serializers.Serializer):
    """One file of a dump."""

    name = serializers.CharField(help_text="Name of the file.")
    url = serializers.URLField(help_text="Address of the file.")
    bytes = serializers.IntegerField(help_text="Size of the file.")
    sha256 = serializers.CharField(help_text="SHA-256 of its bytes.")
    media_type = serializers.CharField(help_text="Type of the file.")
    rows = serializers.IntegerField(allow_null=True, help_text="Objects in a file of JSON Lines; null for others.")


class DumpSerializer(serializers.Serializer):
    """Everything public at one moment. A dump never changes: what was withdrawn later still stands in it."""

    as_of = serializers.CharField(help_text="Its moment in UTC: date, T, hours, minutes, seconds, Z.")
    software = serializers.CharField(help_text="What wrote it, with its version.")
    licence = serializers.CharField(help_text="Under which licence it may be used; empty when none is given.")
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="Objects, by name of the list.")
    files = FileSerializer(many=True)
    manifest = serializers.URLField(help_text="Address of the manifest, which tells the same of the files.")
    sums = serializers.URLField(help_text="Address of all SHA-256 sums, in the form that `sha256sum -c` reads.")
    api_url = serializers.URLField(help_text="This object in the API.")

    AT = "https://duizhao.example/api/v1/dumps/2026-07-01T031500Z/"
    example = {
        "as_of": "2026-07-01T031500Z",
        "software": f"duizhao {__version__}",
        "licence": "",
        "counts": {"reports": 12},
        "files": [
            {
                "name": "reports.jsonl.gz",
                "url": f"{AT}reports.jsonl.gz",
                "bytes": 12672,
                "sha256": "0" * 64,
                "media_type": "application/gzip",
                "rows": 12,
            }
        ],
        "manifest": f"{AT}{dumps.MANIFEST}",
        "sums": f"{AT}{dumps.SUMS}",
        "api_url": AT,
    }


class DumpListSerializer(serializers.Serializer):
    """All dumps, the newest first."""

    results = DumpSerializer(many=True)

    example = {"results": [DumpSerializer.example]}


def told(dump, request):
    """Return a dump as DumpSerializer describes it."""
    here = origin(request) + reverse("api-dump", args=[dump.as_of])
    return {
        **{name: dump.manifest[name] for name in ("as_of", "software", "licence", "counts")},
        "files": [{"name": file["name"], "url": here + file["name"], **file} for file in dump.manifest["files"]],
        "manifest": here + dumps.MANIFEST,
        "sums": here + dumps.SUMS,
        "api_url": here,
    }


# ---------------------------------------------------------------------------------------------------------------------
# Views
# ---------------------------------------------------------------------------------------------------------------------


@extend_schema(responses=DumpListSerializer)
class Dumps(Api):
    """Dumps of everything public, the newest first: all lists of this API as JSON Lines and as one SQLite file.

    With them come the codebook, a data dictionary and checksums. Objects are those of the lists; their addresses are
    paths from the root of this site, and quotations are left out.
    """

    versioned = False  # a dump is as of its own date
    schema = DumpSchema()
    operation, summary, answers = "dumps_list", "List dumps", {}
    links = {"newest": link("dumps_retrieve", as_of="results/0/as_of")}

    def get(self, request):
        return Response({"results": [told(dump, request) for dump in dumps.newest_first()]})


class OfDump(Api):
    """What stands at an address with the moment of a dump in it, or with `latest`."""

    versioned = False  # a dump is as of its own date
    schema = DumpSchema()
    endpoint = "dumps"

    def get(self, request, as_of, **rest):
        newest = as_of == LATEST
        dump = next(dumps.newest_first(), None) if newest else dumps.find(as_of)
        if dump is None:
            raise NotFound(NOTHING_HERE)
        if newest:
            name = request.resolver_match.view_name
            return redirect(name, as_of=dump.as_of, **rest, preserve_request=True)
        return self.answer(request, dump, **rest)


TO_THE_NEWEST = OpenApiResponse(description="Where the newest dump is, when asked for `latest`.")


@extend_schema(responses={200: DumpSerializer, 307: TO_THE_NEWEST})
class OneDump(OfDump):
    """One dump: its files, their sizes and sums."""

    operation, summary = "dumps_retrieve", "One of the dumps"
    answers = {"307": {"Location": ("string", "The newest dump.")}}
    example = DumpSerializer.example
    links = {"file": link("dumps_file", as_of="as_of", file="files/0/name")}

    def answer(self, request, dump):
        return Response(told(dump, request))


KINDS = sorted({kind.partition(";")[0] for kind in dumps.MEDIA_TYPES.values()} - {"application/json"})
TEXT = [kind for kind in KINDS if kind.startswith("text/")]
BINARY = [kind for kind in KINDS if kind not in TEXT]


@extend_schema(
    parameters=[
        OpenApiParameter("Range", str, "header", description="One range of bytes, such as `bytes=1048576-`."),
        OpenApiParameter("If-Range", str, "header", description="ETag of the file of which a piece is held already."),
    ],
    responses={
        (200, *BINARY): OpenApiResponse(OpenApiTypes.BINARY, "The file."),
        (200, *TEXT): OpenApiResponse(OpenApiTypes.STR, "The file."),
        (200, "application/json"): OpenApiResponse(OpenApiTypes.ANY, "The file."),
        206: OpenApiResponse(description="The bytes asked for."),
        304: OpenApiResponse(description="The file is the one that is held already."),
        307: TO_THE_NEWEST,
        416: OpenApiResponse(RefusalSerializer, "The range lies beyond the end of the file."),
    },
)
class DumpFile(OfDump):
    """A file of a dump, whole or one range of it, so that a broken download goes on where it ended.

    A request for several ranges, or for one of another file (`If-Range`), gets the whole.
    """

    operation, summary = "dumps_file", "A file of a dump"
    answers = {
        "200": FILE_HEADERS,
        "206": RANGE_HEADERS,
        "307": {"Location": ("string", "The file in the newest dump.")},
        "416": {"Content-Range": ("string", "How many bytes there are.")},
    }

    def perform_content_negotiation(self, request, force=False):
        """Give the file whatever is accepted: there is nothing else to give."""
        return super().perform_content_negotiation(request, force=True)

    def answer(self, request, dump, file):
        found = dump.file(file)
        if found is None:
            raise NotFound(NOTHING_HERE)
        etag, moment = f'"{found.sha256}"', int(dump.moment.timestamp())
        headers = {
            "Content-Type": found.media_type,
            "Content-Length": found.bytes,
            "ETag": etag,
            "Last-Modified": http_date(moment),
            "Accept-Ranges": "bytes",
        }
        bare = get_conditional_response(request, etag, moment, HttpResponse(headers=headers))
        if bare.status_code != 200 or request.method == "HEAD":
            return bare
        status, span = 200, asked(request.headers, found.bytes, (etag, headers["Last-Modified"]))
        if span is None:
            span = range(found.bytes)
        elif span:
            status, headers["Content-Range"] = 206, f"bytes {span[0]}-{span[-1]}/{found.bytes}"
        else:
            detail = f"The file has {found.bytes} bytes; none of them lies in this range."
            return Response({"detail": detail}, 416, headers={"Content-Range": f"bytes */{found.bytes}"})
        response = FileResponse(Part(dump.folder / file, span), status=status, as_attachment=True, filename=file)
        response.block_size = BLOCK
        for name, value in (headers | {"Content-Length": len(span)}).items():
            response[name] = value
        return response

    def finalize_response(self, request, response, *args, **kwargs):
        """Let scripts of other sites see what they need to fetch a file in pieces."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Access-Control-Expose-Headers"] += f", {', '.join(RANGE_HEADERS)}"
        if request.method == "OPTIONS":
            response["Access-Control-Allow-Headers"] += ", Range, If-Range"
        return response


def asked(headers, size, versions):
    """Return the bytes that a request asks for of a file, as a `range`: empty where they lie beyond its end.

    None means the whole: no range, several, one that cannot be read, or one of a file that is none of these `versions`.
    """
    match = RANGE.fullmatch(headers.get("Range", "").strip())
    if match is None or headers.get("If-Range", versions[0]) not in versions:
        return None
    first, last = (int(digits) if digits else None for digits in match.groups())
    if first is None:
        return None if last is None else range(size)[max(0, size - last) :]
    return None if last is not None and last < first else range(size)[first : None if last is None else last + 1]


class Part(FileIO):
    """The bytes of a file that lie in a range."""

    def __init__(self, path, span):
        super().__init__(path)
        self.seek(span.start)
        self.left = len(span)

    def read(self, size=-1):
        found = super().read(self.left if size < 0 else min(size, self.left))
        self.left -= len(found)
        return found
