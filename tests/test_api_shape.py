"""The shape of an answer: which members it has, which of them as objects, what that costs, and where it is told."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openapi_schema_validator import OAS31Validator

import reports.api
from portal import api
from portal.urls import api_rows
from tests import factories as make
from tests.test_api import ENDPOINTS, address, get, world

pytestmark = pytest.mark.django_db

ROWS = {rows.endpoint: rows for rows in api_rows}
EXPANDING = [(endpoint, name) for endpoint, rows in ROWS.items() for name in rows.serializer_class.expands]


def asked(client, path):
    """Return what a path answers, and how many queries it took with nothing kept from before."""
    reports.api.quotes.clear()
    with CaptureQueriesContext(connection) as seen:
        found = get(client, path)
    return found, len(seen)


def described(path, found):
    """Check an answer against the description of its address."""
    description = json.loads(json.dumps(api.description()))
    operation = description["paths"][path]["get"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    OAS31Validator({**schema, "components": description["components"]}).validate(found)


# --- fields and omit -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("shape", ["list", "detail"])
def test_any_member_alone_and_any_left_out(client, endpoint, shape):
    path = f"/api/v1/{endpoint}/" if shape == "list" else address(endpoint, world()[endpoint])
    world()

    def rows(query):
        found, cost = asked(client, f"{path}?{query}")
        return found["results"] if shape == "list" else [found], cost

    full, most = rows("")
    for name in full[0]:
        alone, cost = rows(f"fields={name}")
        assert alone == [{name: row[name]} for row in full] and cost <= most
        rest, cost = rows(f"omit={name}")
        assert rest == [{other: row[other] for other in row if other != name} for row in full] and cost <= most


def test_names_have_commas_between_or_repeat(client):
    world()
    full = get(client, "recommendations/")["results"]
    wanted = [{name: row[name] for name in ("key", "report", "areas")} for row in full]
    for query in ("fields=areas,key,report", "fields=key&fields=areas,%20report", "fields=key,report,areas,key&omit="):
        assert get(client, f"recommendations/?{query}")["results"] == wanted
    assert get(client, "recommendations/?fields=key,areas&omit=report,evidence")["results"] == [
        {name: row[name] for name in ("key", "areas")} for row in full
    ]
    assert get(client, "recommendations/?fields=&omit=&expand=")["results"] == full


def test_what_is_left_out_stays_out_however_it_is_asked_for(client):
    world()
    keys = [{"key": row["key"]} for row in get(client, "recommendations/")["results"]]
    for query in ("fields=key,areas&omit=areas", "fields=key&expand=areas", "fields=key,areas&omit=areas&expand=areas"):
        assert get(client, f"recommendations/?{query}")["results"] == keys
    assert get(client, "recommendations/?fields=key&omit=key")["results"] == [{} for _ in keys]


@pytest.mark.parametrize(
    ("endpoint", "member", "saved"),
    [
        ("recommendations", "evidence", 2), ("positions", "evidence", 2), ("ratings", "evidence", 2),
        ("citations", "evidence", 1), ("recommendations", "cross_references", 1), ("recommendations", "areas", 1),
        ("reports", "contributions", 2), ("reports", "counts", 5), ("areas", "children", 1), ("events", "mentions", 2),
    ],
)  # fmt: skip
def test_what_is_left_out_is_not_looked_up(client, endpoint, member, saved):
    world()
    assert asked(client, f"{endpoint}/?omit={member}")[1] == asked(client, f"{endpoint}/")[1] - saved


def test_a_member_alone_names_nothing_hidden(client):
    hidden = make.report(slug="hidden", state="draft")
    part = make.report(part_of=hidden, place=3)
    work = make.work(report=hidden)
    make.citation(part, work=work)
    for path in ("reports/", address("reports", part)):
        for query in ("fields=place", "fields=part_of", "expand=part_of", "omit=part_of"):
            found = get(client, f"{path}?{query}")
            row = found["results"][0] if "results" in found else found
            assert row.get("place") is row.get("part_of") is None
    for query in ("fields=report", "expand=report"):
        assert get(client, f"works/?{query}")["results"][0]["report"] is None


@pytest.mark.parametrize(
    ("query", "name", "words"),
    [
        ("fields=kye", "fields", ("kye", "report, parent")),
        ("fields=key,id", "fields", ("id",)),
        ("fields=key,", "fields", ("“”",)),
        ("omit=,", "omit", ("“”",)),
        ("fields=pk", "fields", ("pk",)),
        ("omit=evidense", "omit", ("evidense", "evidence")),
        ("expand=evidence", "expand", ("evidence", "report, parent, made_by, addressees, areas, instruments")),
        ("expand=report.publisher", "expand", ("report.publisher",)),
        ("fields=%00", "fields", ()),
    ],
)
def test_what_is_not_known_is_refused_by_name(client, query, name, words):
    row = world()["recommendations"]
    for path in ("recommendations/", address("recommendations", row)):
        errors = get(client, f"{path}?{query}", 400)["errors"]
        assert list(errors) == [name] and all(word in errors[name][0] for word in words)


def test_all_faults_are_told_at_once(client):
    errors = get(client, "recommendations/?fields=x&omit=x&expand=x&aera=x&page_size=0", 400)["errors"]
    assert set(errors) == {"fields", "omit", "expand", "aera", "page_size"}


@pytest.mark.parametrize("path", ["", "matrix/", "schema/"])
def test_what_has_no_members_to_choose_takes_no_choice(client, path):
    assert list(get(client, f"{path}?fields=url", 400)["errors"]) == ["fields"]


# --- expand ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("endpoint", "name"), EXPANDING)
def test_a_slug_becomes_the_object_of_its_list(client, endpoint, name):
    made = world()
    made["events"].areas.add(made["areas"])
    if endpoint == "works":
        type(made["works"]).objects.update(report=made["reports"])
    if endpoint == "reports" and name == "part_of":
        made["reports"] = make.report(part_of=made["reports"], place=1)
    there = ROWS[ROWS[endpoint].serializer_class.expands[name]]
    objects = get(client, f"{there.endpoint}/?page_size=100&omit={','.join(there.serializer_class.heavy)}")["results"]
    path = address(endpoint, made[endpoint])
    plain, found = get(client, path), get(client, f"{path}?expand={name}")
    assert {member: found[member] for member in found if member != name} == {
        member: plain[member] for member in plain if member != name
    }
    expanded = found[name] if isinstance(found[name], list) else [found[name]]
    assert expanded and all(one in objects for one in expanded)
    slugs = plain[name] if isinstance(plain[name], list) else [plain[name]]
    assert [slug if isinstance(slug, str) else slug["key"] for slug in slugs] == [
        one["slug"] if "slug" in one else one["key"] for one in expanded
    ]
    for member in there.serializer_class.expands:
        assert not any(isinstance(one[member], dict) for one in expanded), member


@pytest.mark.parametrize("endpoint", sorted({endpoint for endpoint, _name in EXPANDING}))
def test_expanding_costs_the_same_for_many_rows_and_is_as_described(client, endpoint):
    names = ",".join(ROWS[endpoint].serializer_class.expands)
    path = f"{endpoint}/?page_size=100&expand={names}"
    world()
    few = asked(client, path)[1]
    for _ in range(9):
        row = world()[endpoint]
    many, cost = asked(client, path)
    assert cost == few and len(many["results"]) >= 10
    described(f"/api/v1/{endpoint}/", many)
    described(f"/api/v1/{endpoint}/", get(client, f"{endpoint}/?fields=url"))
    (detail,) = [path for path in api.description()["paths"] if path.startswith(f"/api/v1/{endpoint}/") and "{" in path]
    described(detail, get(client, f"{address(endpoint, row)}?expand={names}&omit=url"))


def test_a_draft_stands_in_no_expanded_object(client):
    public = world()
    names = {endpoint: ",".join(rows.serializer_class.expands) for endpoint, rows in ROWS.items()}

    def sweep():
        return [
            client.get(
                f"/api/v1/{endpoint}/?page_size=100{'&expand=' if names[endpoint] else ''}{names[endpoint]}"
            ).content
            for endpoint in ENDPOINTS
        ]

    before = sweep()
    hidden = world("canary", area=public["areas"], state="draft")
    make.position(hidden["reports"], question=public["questions"])
    make.recommendation(hidden["reports"], areas=[public["areas"]], addressees=[public["actors"]])
    assert sweep() == before


# --- where it is told ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_options_say_what_can_be_asked(client, endpoint):
    row = world()[endpoint]
    rows = ROWS[endpoint]
    told = client.options(f"/api/v1/{endpoint}/").json()
    filters = rows.filterset_class.base_filters
    assert told["name"] == endpoint and told["description"]
    assert {one["name"] for one in told["filters"]} == set(filters) - {"ordering"}
    assert all(one["type"] in ("string", "integer", "array") for one in told["filters"])
    assert sorted(told["ordering"]) == sorted(filters["ordering"].known([]) if "ordering" in filters else [])
    assert told["page_size"] == {"default": 20, "minimum": 1, "maximum": 100}
    assert told["fields"] == list(get(client, f"{endpoint}/")["results"][0])
    assert told["expand"] == list(rows.serializer_class.expands)
    for one in told["filters"]:
        for value in one.get("values", []):
            get(client, f"{endpoint}/?{one['name']}={value}")
    for word in told["ordering"]:
        get(client, f"{endpoint}/?ordering={word}&fields={told['fields'][0]}")
    detail = client.options(address(endpoint, row)).json()
    assert detail.keys() == {"name", "description", "fields", "expand"}
    assert detail["fields"] == list(get(client, address(endpoint, row)))


def test_options_of_other_addresses(client):
    assert client.options("/api/v1/").json().keys() == {"name", "description"}
    matrix = client.options("/api/v1/matrix/").json()
    assert matrix["page_size"]["maximum"] == 50 and "documents" in matrix["ordering"] and "fields" not in matrix


def test_the_description_lists_the_names():
    paths = api.description()["paths"]
    for endpoint, rows in ROWS.items():
        parameters = {parameter["name"]: parameter for parameter in paths[f"/api/v1/{endpoint}/"]["get"]["parameters"]}
        for name in ("fields", "omit"):
            assert parameters[name]["schema"]["items"]["enum"] == list(rows.serializer_class.Meta.fields)
            assert parameters[name]["explode"] is False
        if expands := rows.serializer_class.expands:
            assert parameters["expand"]["schema"]["items"]["enum"] == list(expands)
        else:
            assert "expand" not in parameters
