"""The index made at one stroke: it is the one that `rebuild` makes, and all of it or none."""

from dataclasses import replace

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from portal import index, loading
from portal.models import CorpusVersion, Entry, Kind, Tally, Term
from recommendations.models import Recommendation
from recommendations.sample import make_sample
from reports.models import Report
from tests import factories as make

pytestmark = pytest.mark.django_db

TABLES = Term, Entry, Tally


@pytest.fixture
def corpus():
    """A sample, drafts among it, beside rows of an editor's."""
    make_sample(25, 1, lambda done: None)
    make.recommendation(make.report())


def entries():
    """Return what each entry says, the kinds in their order; the places themselves may differ."""
    named = {pk: (facet, value) for pk, facet, value in Term.objects.values_list("pk", "facet", "value")}
    columns = "kind", "object_id", "report_id", "date", "date_end", "name", "number", "documents", "digest"
    rows = Entry.objects.order_by("place").values_list(*columns, "terms")
    return [(*row, sorted(named[pk] for pk in terms)) for *row, terms in rows]


def guards():
    with connection.cursor() as cursor:
        return [connection.introspection.get_constraints(cursor, model._meta.db_table) for model in TABLES]


def test_it_is_the_index_that_a_rebuild_makes(corpus):
    index.rebuild()
    rebuilt = entries()
    assert loading.load() == len(rebuilt) > 800
    assert entries() == rebuilt
    assert list(index.faults()) == []


def test_it_can_be_made_again_and_kept_up(corpus):
    loading.load()
    first = list(Entry.objects.order_by("place").values_list())
    loading.load()
    assert list(Entry.objects.order_by("place").values_list()) == first
    row = Recommendation.objects.published().first()
    with index.renewed(row) as rows:
        rows.append(make.author())
        row.summary_en = "Something else."
        row.save()
    index.rebuild()
    assert list(index.faults()) == []


def test_few_pairs_in_memory_and_small_batches_change_nothing(corpus, monkeypatch):
    monkeypatch.setattr(loading, "PAIRS", 50)
    monkeypatch.setattr(loading, "BATCH", 7)
    loading.load()
    assert list(index.faults()) == []


def test_a_term_added_later_has_an_id_of_its_own(corpus):
    loading.load()
    last = Term.objects.order_by("pk").last().pk
    Term.objects.create(facet="later", value="one")
    assert Term.objects.get(facet="later").pk > last


def test_nothing_public_gives_an_empty_index():
    make.recommendation(make.report(state="draft"))
    loading.load()
    assert {*Entry.objects.values_list("kind", flat=True)} == {Kind.AREAS}
    assert list(index.faults()) == []


def test_indexes_and_constraints_are_as_before(corpus):
    before = guards()
    loading.load()
    assert guards() == before


def test_the_version_is_raised(corpus):
    index.rebuild()
    before = CorpusVersion.objects.get().number
    loading.load()
    assert CorpusVersion.objects.get().number == before + 1


def test_a_failure_on_the_way_leaves_the_index_as_it_was(corpus, monkeypatch):
    index.rebuild()
    before, tallies = entries(), set(Tally.objects.values_list())

    def fail(kind, n):
        if kind == Kind.WORKS:
            raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"), transaction.atomic():
        loading.load(fail)
    assert entries() == before
    assert set(Tally.objects.values_list()) == tallies
    assert list(index.faults()) == []


def test_two_entries_of_one_name_are_refused(corpus, monkeypatch):
    source = index.SOURCES[Kind.AREAS]

    def same(ids):
        for item in source.items(ids):
            item.name = "same"
            yield item

    monkeypatch.setitem(index.SOURCES, Kind.AREAS, replace(source, items=same))
    with pytest.raises(DatabaseError), transaction.atomic():
        loading.load()


def test_what_comes_out_meanwhile_is_left_for_the_next_renewal(corpus, monkeypatch):
    """The places are dealt out first; a report that was not public then has none."""
    late, spread = Report.objects.published().order_by("pk").first(), loading.spread

    def before(kind):
        return {pk: place for pk, place in spread(kind).items() if (kind, pk) != (Kind.REPORTS, late.pk)}

    monkeypatch.setattr(loading, "spread", before)
    loading.load()
    assert not Entry.objects.filter(report_id=late.pk).exists()
    index.rebuild()
    assert list(index.faults()) == []


def test_the_command_has_it(corpus, capsys):
    call_command("rebuild_search", at_once=True)
    assert f"The index has {Entry.objects.count()} entries." in capsys.readouterr().out
    call_command("rebuild_search", check=True)


def test_other_processes_make_the_same_tokens(corpus, monkeypatch):
    monkeypatch.setattr(loading, "MANY", 1)
    loading.load()
    assert entries() and list(index.faults()) == []
