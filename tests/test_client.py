"""A client made from the description by a public generator, and what somebody would do with it."""

import importlib
import inspect
import json
import subprocess
import sys
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.core.management import call_command
from django.db.models import Q

from portal import api, dumps
from portal.urls import api_rows
from recommendations.models import Actor, CrossReference, PolicyArea, Recommendation
from tests import factories as make
from tests.indexing import current
from tests.test_api import world

pytestmark = pytest.mark.django_db

PACKAGE = "duizhao_client"
AREA = "cross-border-data"
ADDRESSED = ["cn-government", "both-governments"]  # advice to both is to each, and filed under neither


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Generate the client and return what imports its modules. A warning tells of a fault in the description."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "schema.json").write_text(json.dumps(api.description()))
    (folder / "config.yaml").write_text("post_hooks: []")
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning", "--meta=none"]
    places = ["--path=schema.json", "--config=config.yaml", f"--output-path={PACKAGE}"]
    done = subprocess.run([*command, *places], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0 and "warning" not in done.stdout.lower(), done.stdout + done.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield lambda name: importlib.import_module(f"{PACKAGE}.{name}")
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


@pytest.fixture
def client(made, application):
    """A client of the portal in this process."""
    client = made("client").Client(base_url="http://testserver", raise_on_unexpected_status=True)
    return client.set_httpx_client(
        httpx.Client(transport=httpx.WSGITransport(application), base_url="http://testserver")
    )


def operations():
    for path, item in api.description()["paths"].items():
        yield path, item["get"]


def test_no_operation_and_no_parameter_is_dropped(made):
    for path, operation in operations():
        called = made(f"api.{operation['tags'][0]}.{operation['operationId']}")
        taken = inspect.signature(called._get_kwargs).parameters
        assert len(taken) == len(operation.get("parameters", ())), path
        told = inspect.getsource(called._parse_response).count("response.status_code == ")
        assert told == len(operation["responses"]), path


@pytest.mark.parametrize("rows", api_rows, ids=lambda rows: rows.endpoint)
def test_its_types_hold_all_that_is_told(made, client, rows):
    world()
    current()
    listing = made(f"api.{rows.endpoint}.{rows.endpoint}_list")
    asked = {}
    if rows.serializer_class.expands:
        words = f"{rows.endpoint}_list_expand_item"
        asked = {"expand": list(getattr(made(f"models.{words}"), words.title().replace("_", "")))}
    answer = listing.sync_detailed(client=client, page_size=100, **asked)
    assert answer.parsed.results and answer.parsed.to_dict() == json.loads(answer.content)
    assert not [row for row in answer.parsed.results if row.additional_properties]


@pytest.fixture
def contested(db):
    """The shipped corpus, with advice on data flows that another document contradicts, and some that looks like it."""
    call_command("load_corpus", verbosity=0)
    area = PolicyArea.objects.get(slug=AREA)
    below = make.area(parent=area)
    other_area = PolicyArea.objects.get(slug="data-security")
    ours, theirs, draft = make.report(slug="ours"), make.report(slug="theirs"), make.report(state="draft")
    against = make.recommendation(theirs, summary_en="No data leave the country.")

    def advice(report=ours, area=area, addressee=ADDRESSED[0]):
        return make.recommendation(report, areas=[area], addressees=[Actor.objects.get(slug=addressee)])

    def contradict(source, target, **values):
        make.cross_reference(source, target, **{"kind": "contradicts"} | values)

    for addressee in (*ADDRESSED, *ADDRESSED):
        contradict(advice(addressee=addressee), against)
        contradict(against, advice(area=below, addressee=addressee))
    contradict(advice(area=other_area), against)
    contradict(advice(addressee="us-government"), against)
    contradict(advice(report=draft), against)
    contradict(advice(), make.recommendation(draft))
    contradict(advice(), against, kind="agrees")
    contradict(advice(), against, state="suggested")
    contradict(against, advice(), state="rejected")
    contradict(advice(), make.recommendation(ours))
    advice()
    current()


def contradictions(made, client):
    """Return {(report, key): {(report, key): summary}} of advice and what elsewhere contradicts it, and the pages read.

    With nothing but the generated client: this is what a reader of the API would write.
    """
    listing = made("api.recommendations.recommendations_list")
    detail = made("api.recommendations.recommendations_retrieve")
    kind = made("models.cross_reference_kind").CrossReferenceKind.CONTRADICTS
    found, pages, cursor = {}, 0, {}
    while cursor is not None:
        page = listing.sync(client=client, area=[AREA], addressee=ADDRESSED, page_size=5, **cursor)
        pages += 1
        for row in page.results:
            here = row.report, row.key
            ends = [
                (end.report, end.key)
                for one in row.cross_references
                if one.kind == kind
                for end in (one.source, one.target)
            ]
            for report, key in ends:
                if report != row.report:
                    other = detail.sync(report, key, client=client)
                    found.setdefault(here, {})[report, key] = other.summary_en
        cursor = {"cursor": parse_qs(urlsplit(page.next_).query)["cursor"][0]} if page.next_ else None
    return found, pages


def test_what_another_document_contradicts(made, client, contested):
    found, pages = contradictions(made, client)
    expected = {}
    rows = Recommendation.objects.published().filter(addressees__slug__in=ADDRESSED)
    rows = rows.filter(Q(areas__slug=AREA) | Q(areas__parent__slug=AREA)).distinct()
    for reference in CrossReference.objects.published().filter(kind="contradicts"):
        for row, other in ((reference.source, reference.target), (reference.target, reference.source)):
            if row in rows and row.report != other.report:
                expected.setdefault(row.natural_key(), {})[other.natural_key()] = other.summary_en
    assert found == expected
    assert [other for others in found.values() for other in others if other[0] == "theirs"] and len(found) >= 8
    assert pages == -(-rows.count() // 5) > 2


def test_a_file_of_a_dump(made, client, settings, tmp_path):
    settings.DUMP_DIR = tmp_path
    make.recommendation(make.report())
    call_command("dump", dir=tmp_path, verbosity=0, stdout=open("/dev/null", "w"))
    (one,) = made("api.dumps.dumps_list").sync(client=client).results
    held = dumps.find(one.as_of).folder
    for file in one.files:
        answer = made("api.dumps.dumps_file").sync_detailed(one.as_of, file.name, client=client)
        assert answer.status_code == 200 and answer.content == (held / file.name).read_bytes(), file.name
