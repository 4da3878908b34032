"""The synthetic corpus: true to every constraint, the same rows everywhere, all of them or none."""

import hashlib
from collections import Counter
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.db.models import JSONField

from portal.index import faults
from portal.models import Entry, Kind
from recommendations import sample
from recommendations.models import Actor, PolicyArea, Position, Recommendation
from recommendations.sample import COLUMNS, PREFIX, Corpus
from recommendations.verification import verify
from reports.models import Passage, Report, SourceText
from tests import factories as make

REPORTS = 60


def written(reports=REPORTS, **options):
    out = StringIO()
    call_command("make_sample", reports=reports, stdout=out, **options)
    return out.getvalue()


def rows(reports=REPORTS, seed=1, first=None):
    """Return {model: [row]} of a whole corpus, not in the database."""
    found = {model: [] for model in COLUMNS}
    for _done, batch in Corpus(reports, seed, first or dict.fromkeys(COLUMNS, 1)).batches():
        for model, some in batch.items():
            found[model] += some
    return found


def fingerprint(found):
    return hashlib.sha256(repr(list(found.values())).encode()).hexdigest()


def state():
    """What the database holds of the models that the sample writes, and by what these tables are guarded."""
    with connection.cursor() as cursor:
        return [
            (
                list(model.objects.order_by("pk").values_list()),
                connection.introspection.get_constraints(cursor, model._meta.db_table),
            )
            for model in COLUMNS
        ]


@pytest.fixture
def corpus(db):
    return written()


# --- the rows ---------------------------------------------------------------------------------------------------------


def test_a_size_and_a_seed_fix_every_row():
    assert fingerprint(rows(seed=5)) == fingerprint(rows(seed=5))
    assert fingerprint(rows(seed=5)) != fingerprint(rows(seed=6))


def test_batches_change_no_row(monkeypatch):
    whole = fingerprint(rows())
    monkeypatch.setattr(sample, "BATCH", 7)
    assert fingerprint(rows()) == whole


def test_each_table_is_written_before_what_names_its_rows():
    """Else SQLite, waiting for the row, searches whole tables at every row of that kind."""
    places = {model: place for place, model in enumerate(COLUMNS)}
    for model, names in COLUMNS.items():
        for field in model._meta.concrete_fields:
            if field.is_relation and field.attname in names.split():
                assert places[field.related_model] <= places[model], field


def test_words_and_relations_are_skewed():
    found = rows(600)
    texts = [row[4] for row in found[Recommendation]]
    assert 5_000 < len(texts) < 7_000  # ten a report
    assert 0.05 < sum("数据" in text for text in texts) / len(texts) < 0.11
    for sign in ("5G网络", "AI芯片", "GPT-4", "“小院高墙”", "５０％", "ＷＴＯ", "臺海", "《巴黎协定》"):
        assert any(sign in text for text in texts), sign
    asked = Counter(row[2] for row in found[Recommendation.addressees.through]).most_common()
    assert asked[0][1] > 20 * asked[len(asked) // 2][1]
    answered = Counter(row[6] for row in found[Position]).most_common()
    assert answered[0][1] > 5 * answered[len(answered) // 2][1]


# --- in the database --------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_database_holds_just_the_rows_that_were_made(monkeypatch):
    """So both databases hold the same, but for where the ids begin."""
    make.recommendation(make.report())
    first, find = {}, sample.first_free
    monkeypatch.setattr(sample, "first_free", lambda model: first.setdefault(model, find(model)))
    written(seed=3)
    for model, made in rows(seed=3, first=first).items():
        stored = model.objects.filter(pk__gte=first[model]).order_by("pk")
        assert list(stored.values_list(*COLUMNS[model].split())) == made, model


def test_every_row_is_what_an_editor_could_have_saved(corpus):
    connection.check_constraints()
    for model in COLUMNS:
        if not model._meta.auto_created:
            some = model.objects.order_by("pk")
            assert some.exists(), model
            for row in [*some[:25], *some.reverse()[:25]]:
                row.full_clean()
                if hasattr(row, "derive"):
                    kept = row.sort_key, row.name_index
                    row.derive()
                    assert (row.sort_key, row.name_index) == kept


def test_json_comes_back_as_it_was_made(corpus):
    for model, names in COLUMNS.items():
        for field in model._meta.concrete_fields:
            if isinstance(field, JSONField) and field.name in names.split():
                assert {type(value) for value in model.objects.values_list(field.name, flat=True)} <= {list, dict}


def test_evidence_is_proven_where_the_text_is_held(corpus):
    found = verify()
    assert not found.faults
    assert found.proven and found.unheld
    assert SourceText.objects.count() == len(range(1, REPORTS, 32))
    passages = Passage.objects.select_related("report__source_text", "section")
    assert passages
    for passage in passages:
        assert passage.report.squeezed.slice(passage.start, passage.end).split() == passage.text.split()
        assert passage.section.start <= passage.start < passage.end <= passage.section.end


def test_hidden_reports_stay_hidden(corpus, client):
    hidden = Report.objects.exclude(pk__in=Report.objects.published())
    assert 0 < hidden.count() < REPORTS / 4
    for report in hidden:
        assert not report.is_public
        assert client.get(f"/zh/reports/{report.slug}/").status_code == 404


def test_pages_and_api_answer(corpus, client):
    shown = Report.objects.published()
    report = shown.exclude(source_text=None).first() or shown.first()
    advice, area = report.recommendations.first(), PolicyArea.objects.filter(recommendations__report=report).first()
    pages = ["", "reports/", "authors/", "institutions/", "areas/", "recommendations/", "questions/", "works/",
             "frameworks/", "timeline/", "forecasts/", f"areas/{area.slug}/", f"reports/{report.slug}/",
             f"recommendations/{report.slug}/{advice.key}/"]  # fmt: skip
    for page in pages:
        for language in ("zh", "en"):
            assert client.get(f"/{language}/{page}").status_code == 200, page
    for name, address in client.get("/api/v1/").json().items():
        if name in ("reports", "recommendations", "positions", "questions", "ratings", "works", "crossreferences"):
            answer = client.get(address)
            assert answer.status_code == 200, name
            assert answer.json()["results"], name


# --- the command ------------------------------------------------------------------------------------------------------


def test_it_says_what_it_wrote(corpus):
    *steps, last = corpus.splitlines()
    assert f"{REPORTS} of {REPORTS} reports" in corpus
    assert any(line.split() == [f"{Recommendation.objects.count():,}", Recommendation._meta.label] for line in steps)
    total = sum(model.objects.count() for model in COLUMNS)
    assert last.startswith(f"{total:,} rows in ")
    assert f"; {Entry.objects.count():,} entries of the index in " in last


@pytest.mark.django_db
def test_its_index_is_what_the_data_demand():
    make.recommendation(make.report())
    written(30)
    assert Entry.objects.filter(kind=Kind.RECOMMENDATIONS).count() == Recommendation.objects.published().count()
    assert list(faults()) == []


def test_a_second_sample_is_refused(corpus):
    before = state()
    with pytest.raises(CommandError, match="already"):
        written(seed=2)
    assert state() == before


@pytest.mark.django_db
def test_a_size_below_one_is_refused():
    with pytest.raises(CommandError, match="at least 1"):
        written(0)
    assert not Report.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("reports", [1, 2])
def test_the_smallest_samples(reports):
    written(reports)
    assert Report.objects.count() == reports
    assert not verify().faults


@pytest.mark.django_db
def test_indexes_and_constraints_are_as_before():
    before = [guards for _rows, guards in state()]
    written()
    assert [guards for _rows, guards in state()] == before


@pytest.mark.django_db
def test_a_failure_on_the_way_leaves_nothing(monkeypatch):
    make.recommendation(make.report())
    before, whole = state(), Corpus.report

    def fail(self, number):
        if number == 40:
            raise OSError("No space left on device")
        whole(self, number)

    monkeypatch.setattr(sample, "BATCH", 10)
    monkeypatch.setattr(Corpus, "report", fail)
    with pytest.raises(OSError, match="No space"):
        written()
    assert state() == before


@pytest.mark.django_db
def test_rows_that_break_a_constraint_are_refused(monkeypatch):
    before, whole = state(), Corpus.references

    def twice(self, source, leaf):
        whole(self, source, leaf)
        if self.rows[sample.CrossReference]:
            _pk, *values = self.rows[sample.CrossReference][-1]
            self.add(sample.CrossReference, *values)

    monkeypatch.setattr(Corpus, "references", twice)
    with pytest.raises(DatabaseError):
        written()
    assert state() == before


@pytest.mark.django_db
def test_ids_are_never_given_twice():
    """Neither one that stands in a table, nor one whose row is gone."""
    kept, gone = make.actor(), make.actor()
    gone_pk = gone.pk
    gone.delete()
    written()
    assert Actor.objects.filter(slug__startswith=PREFIX).order_by("pk").first().pk > gone_pk > kept.pk
    assert make.actor().pk > Actor.objects.filter(slug__startswith=PREFIX).order_by("pk").last().pk
