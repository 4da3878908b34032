"""What serializers tell is what Django REST Framework would say, and what is kept of it is true."""

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import translation
from rest_framework import serializers
from rest_framework.test import APIRequestFactory

from portal import index, views
from portal.addresses import path_to
from portal.api import Shape
from portal.shelf import Shelf
from portal.telling import Telling
from portal.urls import api_rows
from recommendations.models import Recommendation
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(client):
    client.warm = True
    return client


def told(rows_class, serializer_class, keys):
    """Return the objects of an endpoint, in the order of their keys."""
    request = rows_class(action_map={"get": "list"}).initialize_request(APIRequestFactory().get("/api/v1/"))
    view = rows_class(
        request=request,
        action_map={"get": "list"},
        format_kwarg=None,
        serializer_class=serializer_class,
        shape=Shape(serializer_class),
    )
    found = view.made(keys)
    return [found[key] for key in keys]


def test_every_row_is_told_as_the_framework_tells_it(db, monkeypatch):
    call_command("load_corpus", verbosity=0)
    plain, shown = serializers.Serializer.to_representation, {}
    for way in (Telling.to_representation, lambda self, row: dict(plain(self, row))):
        monkeypatch.setattr(Telling, "to_representation", way)
        for rows in api_rows:
            for serializer_class in {rows.serializer_class, rows.detail_serializer_class} - {None}:
                model = serializer_class.Meta.model
                keys = sorted(rows().get_queryset().values_list("pk", flat=True).distinct())[-40:]
                assert keys, f"there are no {model._meta.verbose_name_plural} to look at"
                shown.setdefault((rows, serializer_class), []).append(told(rows, serializer_class, keys))
    for ours, theirs in shown.values():
        assert ours == theirs


class NoteSerializer(Telling):
    word = serializers.CharField(source="held.word", default="")
    shout = serializers.CharField()
    when = serializers.DateField()


def test_mappings_methods_defaults_and_dates_are_told_too():
    class Row:
        when = None

        def shout(self):
            return "!"

    assert NoteSerializer().to_representation(Row()) == {"word": "", "shout": "!", "when": None}
    assert NoteSerializer().to_representation({"shout": "?", "when": None, "held": {"word": "w"}}) == {
        "word": "w",
        "shout": "?",
        "when": None,
    }


def test_an_answer_has_only_the_members_asked_for():
    serializer = NoteSerializer()
    serializer.members = {"shout"}
    assert serializer.to_representation({"shout": "?"}) == {"shout": "?"}


def test_an_address_is_that_of_reverse_in_each_language(settings):
    row = make.recommendation(make.report())
    for language in ("en", "zh-hans"):
        with translation.override(language):
            words = (row.report.slug, row.key)
            assert path_to("recommendations:detail", *words) == reverse("recommendations:detail", args=words)


def test_what_is_kept_goes_with_the_version(client):
    row = make.recommendation(make.report(), summary_en="Before.")
    address = "/api/v1/recommendations/"
    assert client.get(address).json()["results"][0]["summary_en"] == "Before."
    with index.renewed(row):
        Recommendation.objects.filter(pk=row.pk).update(summary_en="After.")
    assert client.get(address).json()["results"][0]["summary_en"] == "After."


def test_what_is_kept_is_shaped_for_each_request(client, django_assert_num_queries):
    make.recommendation(make.report())
    (whole,) = client.get("/api/v1/recommendations/").json()["results"]
    with django_assert_num_queries(1):  # the page in the index
        assert client.get("/api/v1/recommendations/").json()["results"] == [whole]
    (short,) = client.get("/api/v1/recommendations/?fields=key,areas").json()["results"]
    assert short == {"key": whole["key"], "areas": whole["areas"]}
    (bare,) = client.get("/api/v1/recommendations/?omit=evidence").json()["results"]
    assert bare == {name: value for name, value in whole.items() if name != "evidence"}
    (opened,) = client.get("/api/v1/recommendations/?expand=report").json()["results"]
    assert opened["report"]["slug"] == whole["report"]
    assert client.get("/api/v1/recommendations/").json()["results"] == [whole]


def test_the_addresses_of_another_host_are_its_own(client, settings):
    settings.ALLOWED_HOSTS = ["one.example", "two.example"]
    make.recommendation(make.report())
    for host in settings.ALLOWED_HOSTS:
        (row,) = client.get("/api/v1/recommendations/", headers={"host": host}).json()["results"]
        assert row["api_url"].startswith(f"http://{host}/")


def test_only_so_much_is_kept():
    shelf = Shelf(most=2)
    shelf(1, "a").update({1: {}, 2: {}})
    assert shelf(1, "a") == {1: {}, 2: {}}
    shelf(1, "b")[3] = {}
    assert shelf(1, "a") == {}
    shelf(1, "a")[1] = {}
    assert shelf(2, "a") == {}


@pytest.mark.parametrize("path", ["recommendations", "reports", "questions"])
def test_a_row_of_a_list_is_drawn_once_for_a_version_and_language(client, path, monkeypatch):
    row = make.position(make.report(title_en="Told once"))
    make.recommendation(row.report, summary_en="Told once.")
    asked = {"recommendations": "Told once", "reports": "Told once", "questions": row.question.text_en}[path]
    assert asked in client.get(f"/en/{path}/").content.decode()
    drawing = []
    monkeypatch.setattr(views, "render_to_string", lambda *args: drawing.append(args) or "drawn anew")
    assert asked in client.get(f"/en/{path}/").content.decode() and not drawing
    assert "drawn anew" in client.get(f"/zh/{path}/").content.decode()
    with index.renewed(row.report):
        row.report.save()
    type(row.report).objects.filter(pk=row.report.pk).update(title_en="Told twice")
    assert "drawn anew" in client.get(f"/en/{path}/").content.decode()
