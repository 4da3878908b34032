"""The index is what the truth demands: after any change in any order, after what breaks off, and after mending."""

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import SET_NULL, ProtectedError, Q, RestrictedError
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from portal import index
from portal.management.commands.load_corpus import CORPUS
from portal.models import CorpusVersion, Entry, Kind, Tally
from recommendations.filters import RecommendationFilterSet
from recommendations.ingest import load_dossier
from recommendations.models import (
    Actor,
    CrossReference,
    Dimension,
    Evidence,
    Framework,
    Instrument,
    PolicyArea,
    Position,
    Question,
    Rating,
    Recommendation,
    Resolution,
    Subject,
)
from reports.filters import ReportFilterSet
from reports.ingest import ingest, sha256_of
from reports.models import Author, Citation, Contribution, Event, Institution, Mention, Report, Work
from tests import factories as make
from tests.test_admin import act, page, submit

pytestmark = pytest.mark.django_db

CHANCE = st.randoms(use_true_random=False)
DATES = ["", "2019", "2020-05", "2021-02-03", "2021-02-03"]
NAMED = [Author, Institution, PolicyArea, Actor, Instrument, Subject]
MAKERS = {
    make.author: Author,
    make.institution: Institution,
    make.area: PolicyArea,
    make.actor: Actor,
    make.instrument: Instrument,
    make.subject: Subject,
    make.work: Work,
    make.event: Event,
    make.question: Question,
}
OF_REPORT = [Recommendation, Position, Rating, CrossReference, Resolution, Contribution, Citation, Mention, Evidence]


def sound():
    """Say what is wrong with the index: nothing."""
    return list(index.faults())


# ---------------------------------------------------------------------------------------------------------------------
# Any change, in any order
# ---------------------------------------------------------------------------------------------------------------------


class Editing(RuleBasedStateMachine):
    """Editors at work, on a small vocabulary, in any order; each does as the admin does, inside `renewed`."""

    @initialize(chance=CHANCE)
    def begin(self, chance):
        self.undo = transaction.atomic()
        self.undo.__enter__()
        index.forget()
        for some in (make.author, make.institution, make.area, make.actor, make.instrument, make.subject):
            for _n in range(3):
                some()
        for _n in range(2):
            make.work(), make.event(), make.framework()
        for kind in ("normative", "predictive", "predictive"):
            make.question(areas=self.some(chance, PolicyArea, least=1), kind=kind)
        make.report(), make.report()
        index.rebuild()

    def teardown(self):
        if hasattr(self, "undo"):
            transaction.set_rollback(True)
            self.undo.__exit__(None, None, None)
            index.forget()

    def one(self, chance, model, **having):
        """Return some row, or None where there is none."""
        rows = list(model.objects.filter(**having).order_by("pk"))
        return chance.choice(rows) if rows else None

    def some(self, chance, model, least=0):
        rows = list(model.objects.order_by("pk"))
        return chance.sample(rows, chance.randint(least, min(2, len(rows)))) if rows else []

    def speaker(self, chance, field):
        voice = chance.choice(["own", "own", "attributed"])
        return {"voice": voice, field: self.one(chance, Actor) if voice == "attributed" else None}

    def make(self, function, *args, **values):
        with index.renewed() as rows:
            rows.append(function(*args, **values))

    def change(self, row, **values):
        """Set columns, and many-to-many relations, of a row."""
        with index.renewed(type(row).objects.get(pk=row.pk)) as rows:
            for name, value in values.items():
                if type(row)._meta.get_field(name).many_to_many:
                    getattr(row, name).set(value)
                else:
                    setattr(row, name, value)
            row.save()
            rows.append(row)

    # Reports

    @rule(chance=CHANCE)
    def report_is_made(self, chance):
        whole = self.one(chance, Report, part_of=None) if chance.random() < 0.3 else None
        place = {"part_of": whole, "place": whole.parts.count() + chance.randint(1, 10**4)} if whole else {}
        state = chance.choice(["draft", "published", "published"])
        self.make(make.report, state=state, date=chance.choice(DATES), publisher=self.one(chance, Institution), **place)

    @rule(chance=CHANCE)
    def report_is_made_with_its_text(self, chance):
        self.make(make.report, make.source_text(), state=chance.choice(["draft", "published"]))

    @rule(chance=CHANCE, hours=st.sampled_from([-1, 1]))
    def report_changes_its_state(self, chance, hours):
        if report := self.one(chance, Report):
            state = chance.choice(["draft", "published", "withdrawn", "scheduled"])
            self.change(report, state=state, publish_at=timezone.now() + timedelta(hours=hours))

    @rule(chance=CHANCE)
    def report_is_edited(self, chance):
        if report := self.one(chance, Report):
            self.change(
                report,
                slug=f"{chance.choice('abc')}-{report.pk}",
                title_en=chance.choice(["Trade", "Chips"]),
                date=chance.choice(DATES),
                publisher=self.one(chance, Institution),
            )

    # What belongs to them

    @rule(chance=CHANCE)
    def advice_is_made(self, chance):
        if report := self.one(chance, Report):
            self.make(
                make.recommendation,
                report,
                areas=self.some(chance, PolicyArea, least=1),
                addressees=self.some(chance, Actor),
                instruments=self.some(chance, Instrument),
                **self.speaker(chance, "made_by"),
            )

    @rule(chance=CHANCE)
    def advice_is_edited(self, chance):
        if row := self.one(chance, Recommendation):
            self.change(
                row,
                summary_zh=chance.choice(["管制芯片", "对话"]),
                order=chance.randint(0, 3),
                areas=self.some(chance, PolicyArea, least=1),
                addressees=self.some(chance, Actor),
                instruments=self.some(chance, Instrument),
                **self.speaker(chance, "made_by"),
            )

    @rule(chance=CHANCE)
    def advice_repeats_other_advice(self, chance):
        if row := self.one(chance, Recommendation):
            self.change(row, restates=[other for other in self.some(chance, Recommendation) if other != row])

    @rule(chance=CHANCE)
    def advice_is_gathered_under_other_advice(self, chance):
        if row := self.one(chance, Recommendation, parent=None, parts=None):
            self.change(row, parent=self.one(chance, Recommendation, parent=None, report=row.report_id, pk__lt=row.pk))

    @rule(chance=CHANCE)
    def answer_is_given(self, chance):
        if report := self.one(chance, Report):
            values = {"question": self.one(chance, Question), "stance": chance.randint(-2, 2)}
            self.make(make.position, report, **values, **self.speaker(chance, "holder"))

    @rule(chance=CHANCE)
    def answer_is_edited(self, chance):
        if row := self.one(chance, Position):
            values = {"question": self.one(chance, Question), "stance": chance.randint(-2, 2)}
            self.change(row, horizon=chance.choice(["", "2022", "long"]), **values, **self.speaker(chance, "holder"))

    @rule(chance=CHANCE)
    def rating_is_given(self, chance):
        if report := self.one(chance, Report):
            values = {"subject": self.one(chance, Subject), "assessor": self.one(chance, Actor)}
            self.make(make.rating, report, self.one(chance, Dimension), **values)

    @rule(chance=CHANCE)
    def rating_is_edited(self, chance):
        if row := self.one(chance, Rating):
            values = {"subject": self.one(chance, Subject), "dimension": self.one(chance, Dimension)}
            self.change(row, level=chance.choice(["low", "high"]), **values)

    @rule(chance=CHANCE)
    def relation_is_made(self, chance):
        ends = [self.one(chance, Recommendation), self.one(chance, Recommendation)]
        if None not in ends and ends[0].report_id != ends[1].report_id:
            if not CrossReference.objects.filter(source__in=ends, target__in=ends).exists():
                self.make(make.cross_reference, *ends, state=chance.choice(["suggested", "confirmed"]))

    @rule(chance=CHANCE)
    def relation_is_decided(self, chance):
        if row := self.one(chance, CrossReference):
            self.change(row, state=chance.choice(["rejected", "confirmed"]), kind=chance.choice(["agrees", "refines"]))

    @rule(chance=CHANCE)
    def outcome_is_told(self, chance):
        report, question = self.one(chance, Report), self.one(chance, Question, kind="predictive")
        if report and question and not report.resolutions.filter(question=question).exists():
            self.make(make.resolution, report, question, outcome=chance.choice(["yes", "no", "partly"]))

    @rule(chance=CHANCE)
    def contribution_is_made(self, chance):
        report, model = self.one(chance, Report), chance.choice([Author, Institution])
        if report and (who := self.one(chance, model)):
            name = model.__name__.lower()
            if not report.contributions.filter(**{name: who}).exists():
                self.make(make.contribution, report, **{name: who})

    @rule(chance=CHANCE)
    def contribution_is_edited(self, chance):
        if row := self.one(chance, Contribution):
            row.author, row.institution = (self.one(chance, Author), None) if row.author_id else (None, row.institution)
            if not row.report.contributions.filter(author=row.author_id).exclude(pk=row.pk).exists() or row.institution:
                self.change(row, affiliations=self.some(chance, Institution), order=chance.randint(0, 5))

    @rule(chance=CHANCE)
    def work_is_cited(self, chance):
        if report := self.one(chance, Report):
            self.make(make.citation, report, work=self.one(chance, Work))

    @rule(chance=CHANCE)
    def event_is_mentioned(self, chance):
        report, event = self.one(chance, Report), self.one(chance, Event)
        if report and not report.mentions.filter(event=event).exists():
            self.make(make.mention, report, event)

    @rule(chance=CHANCE)
    def evidence_is_given(self, chance):
        model = chance.choice([Recommendation, Position, Rating])
        row = self.one(chance, model, evidence=None)
        if row:
            start = chance.randint(0, 8)
            self.make(make.evidence, row, start, start + 16)

    @rule(chance=CHANCE, model=st.sampled_from([Report, *OF_REPORT]))
    def row_is_deleted(self, chance, model):
        if row := self.one(chance, model):
            try:
                with index.renewed(model(pk=row.pk)):
                    row.delete()
            except (ProtectedError, RestrictedError):
                pass  # the admin says so

    # Vocabulary

    @rule(chance=CHANCE, model=st.sampled_from(NAMED))
    def name_changes(self, chance, model):
        row = self.one(chance, model)
        self.change(row, name_en=chance.choice(["Alpha", "Omega"]), name_zh=chance.choice(["甲", "乙"]), sort_key="")

    @rule(chance=CHANCE, function=st.sampled_from([*MAKERS]))
    def word_is_deleted_for_another(self, chance, function):
        """Deleted as the admin does it: only where nothing else names it."""
        row = self.one(chance, MAKERS[function])
        for relation in row._meta.related_objects:
            if type(row) is not Event and (relation.many_to_many or relation.on_delete is SET_NULL):
                if relation.related_model.objects.filter(**{relation.field.name: row}).exists():
                    return
        try:
            with index.renewed(type(row)(pk=row.pk)):
                row.delete()
        except (ProtectedError, RestrictedError):
            return
        self.make(function, **({"areas": self.some(chance, PolicyArea, least=1)} if function is make.question else {}))

    @rule(chance=CHANCE, model=st.sampled_from([PolicyArea, Subject]))
    def branch_moves(self, chance, model):
        row, above = self.one(chance, model), self.one(chance, model)
        line = above
        while line is not None and line != row:
            line = line.parent
        self.change(row, parent=above if line is None else None)

    @rule(chance=CHANCE)
    def report_becomes_a_part(self, chance):
        report, whole = self.one(chance, Report, parts=None), self.one(chance, Report, part_of=None)
        if report and report != whole:
            self.change(report, part_of=whole, place=whole and 10**4 + report.pk)

    @rule(chance=CHANCE)
    def question_is_edited(self, chance):
        row = self.one(chance, Question)
        outcome = {"outcome": "", "outcome_date": "", "outcome_source": ""}
        if row.kind == "predictive" and chance.random() < 0.5:
            outcome = {"outcome": "no", "outcome_date": "2022", "outcome_source": "https://example.org/"}
        self.change(
            row, areas=self.some(chance, PolicyArea, least=1), text_en=chance.choice(["War?", "Tax?"]), **outcome
        )

    @rule(chance=CHANCE)
    def work_is_edited(self, chance):
        values = {"title_en": chance.choice(["Essay", "Book"]), "date": chance.choice(DATES)}
        self.change(self.one(chance, Work), people=self.some(chance, Author), **values)

    @rule(chance=CHANCE)
    def events_are_filed(self, chance):
        if chance.random() < 0.5:
            self.change(self.one(chance, PolicyArea), events=self.some(chance, Event))
        else:
            self.change(self.one(chance, Event), areas=self.some(chance, PolicyArea), date=chance.choice(DATES[1:]))

    @rule(chance=CHANCE)
    def dimension_moves(self, chance):
        row, framework = self.one(chance, Dimension), self.one(chance, Framework)
        self.change(row, framework=framework, slug=f"axis-{row.pk}")

    @invariant()
    def index_is_sound(self):
        if hasattr(self, "undo"):
            assert sound() == []


def test_any_changes_in_any_order_leave_the_index_sound():
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    chosen = settings(
        max_examples=6,
        stateful_step_count=25,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # each step is a look at everything: what failed is told as it stands, not made short
        suppress_health_check=checks,
    )
    run_state_machine_as_test(Editing, settings=chosen)


# ---------------------------------------------------------------------------------------------------------------------
# What is broken is named, and mended
# ---------------------------------------------------------------------------------------------------------------------


def everything(word="", **values):
    """A report with something of every kind; `word` stands in every text."""
    report = make.report(
        make.source_text(f"{word}第一句话说明中美应当恢复官方对话机制。"),
        title_zh=f"{word}报告",
        standfirst_zh=f"{word}导语",
        publisher=make.institution(name_zh=f"{word}所"),
        **values,
    )
    actor, texts = make.actor(name_zh=f"{word}方"), {"summary_zh": f"{word}摘要"}
    make.contribution(report, author=make.author(name_zh=f"{word}甲")).affiliations.add(report.publisher)
    area, tool = make.area(), make.instrument(name_zh=f"{word}协定")
    speaker = {"voice": "attributed", "made_by": actor}
    advice = make.recommendation(report, [area], [actor], [tool], condition_zh=f"若{word}", **texts, **speaker)
    make.evidence(advice, 0, 18)
    question = make.question([area], kind="predictive", text_zh=f"{word}会否？")
    make.position(report, question=question, holder=actor, voice="attributed", **texts)
    make.resolution(report, question)
    make.rating(report, subject=make.subject(name_zh=f"{word}题"), assessor=actor, **texts)
    make.citation(report, work=make.work(title_zh=f"{word}著"), note_zh=f"{word}注")
    make.mention(report, make.event(title_zh=f"{word}会"))
    report.passages.create(number=1, text=f"{word}段", start=0, end=5)
    beside = make.report(state=report.state, publish_at=report.publish_at)
    make.cross_reference(advice, make.recommendation(beside), rationale_zh=f"{word}因")
    return report


@pytest.fixture
def world():
    report = everything()
    everything(date="2019")
    index.rebuild()
    assert sound() == []
    return report


def test_every_kind_is_there(world):
    assert {*Entry.objects.values_list("kind", flat=True)} == {*Kind.values} == {*map(int, index.SOURCES)}


def ask(sql, *params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def lose_an_entry(entry):
    entry.delete()


def keep_an_entry(entry):
    """Something has gone that nobody told the index of."""
    Recommendation.objects.filter(pk=entry.object_id).delete()


def misfile(entry):
    Entry.objects.filter(pk=entry.pk).update(terms=entry.terms[1:])


def misplace(entry):
    Entry.objects.filter(pk=entry.pk).update(place=entry.place + 7)


def swap_places(entry):
    one, two = Entry.objects.filter(kind=Kind.AREAS).order_by("place")[:2]
    Entry.objects.filter(pk=one.pk).update(place=two.place + 1)


def lose_its_report(entry):
    Entry.objects.filter(pk=entry.pk).update(report_id=None)


def misdate(entry):
    Entry.objects.filter(pk=entry.pk).update(date="1999")


def lose_tokens(entry):
    if connection.vendor == "sqlite":
        ask("DELETE FROM portal_token WHERE rowid = %s", entry.place)
    else:
        ask("UPDATE portal_entry SET tokens = NULL WHERE place = %s", entry.place)


def change_tokens(entry):
    if connection.vendor == "sqlite":
        ask("UPDATE portal_token SET body = 'other' WHERE rowid = %s", entry.place)
    else:
        ask("UPDATE portal_entry SET tokens = setweight(tokens, 'B') WHERE place = %s", entry.place)


def raise_a_tally(entry):
    Tally.objects.filter(kind=entry.kind, term=0, beside=0).update(n=99)


def lose_a_tally(entry):
    Tally.objects.filter(Q(term=entry.terms[0]) | Q(beside=entry.terms[0]), kind=entry.kind).delete()


def lose_a_posting(entry):
    ask("DELETE FROM portal_posting WHERE term = %s AND place = %s", entry.terms[0], entry.place)


def add_a_posting(entry):
    ask("INSERT INTO portal_posting (term, place) VALUES (%s, %s)", 10**6, entry.place)


def add_tokens(entry):
    ask("INSERT INTO portal_token (rowid, head, body) VALUES (%s, 'a', 'b')", entry.place + 9)


DAMAGE = {
    lose_an_entry: "no entry",
    keep_an_entry: "not public",
    misfile: "terms",
    misplace: "place",
    swap_places: "order",
    lose_its_report: "no report",
    misdate: "date",
    lose_tokens: "tokens",
    change_tokens: "tokens",
    raise_a_tally: "tallies",
    lose_a_tally: "tallies",
}
if connection.vendor == "sqlite":  # PostgreSQL keeps these in the entry itself
    DAMAGE |= {lose_a_posting: "postings", add_a_posting: "postings", add_tokens: "tokens of no entry"}


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_broken_is_named_and_mended(world, damage, at_once, capsys):
    damage(Entry.objects.filter(kind=Kind.RECOMMENDATIONS, object_id=world.recommendations.get().pk).get())
    assert DAMAGE[damage] in " ".join(sound())
    with pytest.raises(CommandError, match="faults"):
        call_command("rebuild_search", check=True)
    assert DAMAGE[damage] in capsys.readouterr().err
    call_command("rebuild_search", at_once=at_once)
    assert sound() == []
    call_command("rebuild_search", check=True)


def test_reports_that_stand_in_no_order_are_straightened_with_their_rows(world):
    for place in Entry.objects.filter(kind=Kind.REPORTS).order_by("place").values_list("place", flat=True)[:2]:
        Entry.objects.filter(place=place).update(place=place + (3 << index.DATE))
    assert "order" in " ".join(sound())
    index.rebuild()
    assert sound() == []


def listed(filterset=RecommendationFilterSet, **query):
    found = filterset(query)
    assert found.is_valid(), found.errors
    return found.keys()


def test_a_rebuild_that_breaks_off_leaves_what_was_there(world, monkeypatch):
    before = {kind: Entry.objects.filter(kind=kind).count() for kind in Kind}
    rows, report = listed(), everything()
    source = index.SOURCES[Kind.RATINGS]

    def broken(ids):
        raise RuntimeError

    monkeypatch.setitem(index.SOURCES, Kind.RATINGS, index.Source(broken, source.ids, of_report=True))
    with pytest.raises(RuntimeError):
        index.rebuild()
    monkeypatch.undo()
    assert all(Entry.objects.filter(kind=kind).count() >= n for kind, n in before.items())
    assert set(rows) <= set(listed())
    index.rebuild()
    assert sound() == []
    assert report.recommendations.get().pk in listed()


def test_lists_answer_while_the_index_is_made_anew(world):
    seen, kinds = listed(), []

    def look(kind, n):
        kinds.append(kind)
        assert listed() == seen
        assert listed(ReportFilterSet, q="报告")

    ask("UPDATE portal_entry SET digest = ''")
    index.rebuild(look)
    assert kinds[0] == Kind.REPORTS and set(kinds) == {*Kind}


# ---------------------------------------------------------------------------------------------------------------------
# Scheduled reports, and drafts
# ---------------------------------------------------------------------------------------------------------------------


def traces(word):
    """Return the entries whose tokens, names or terms tell of a word in any way, read past all lookups."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT place FROM portal_entry WHERE tokens::text LIKE %s", [f"%{word}%"])
        else:
            cursor.execute("SELECT rowid FROM portal_token WHERE head || body LIKE %s", [f"%{word}%"])
        return cursor.fetchall()


def later(**by):
    return timezone.now() + timedelta(**by)


def test_a_scheduled_report_comes_out_by_itself_and_not_before(world):
    with index.renewed() as rows:
        report = everything("鑫", state="scheduled", publish_at=later(hours=1))
        rows += [report, *PolicyArea.objects.all()]
    assert traces("鑫") == [] and sound() == []
    assert index.version().due_at == report.publish_at
    assert report.pk not in listed(ReportFilterSet)
    number = index.version().number
    Report.objects.filter(state="scheduled").update(publish_at=later(hours=-1))  # two hours have gone by
    CorpusVersion.objects.update(due_at=later(hours=-1))
    index.forget()
    assert not Entry.objects.filter(kind=Kind.REPORTS, object_id=report.pk).exists()
    assert index.version().number == number + 1
    assert report.pk in listed(ReportFilterSet) and index.version().due_at is None
    assert len(traces("鑫")) >= 12 and sound() == []


def test_what_is_scheduled_is_noted_though_nothing_public_changes(world):
    with index.renewed() as rows:
        rows.append(make.report(state="scheduled", publish_at=later(hours=1)))
    assert CorpusVersion.objects.get().due_at


def test_a_report_that_falls_due_while_others_are_edited_is_not_forgotten(world):
    with index.renewed() as rows:
        rows.append(make.report(state="scheduled", publish_at=later(hours=1)))
    Report.objects.filter(state="scheduled").update(publish_at=later(seconds=-1))
    with index.renewed(world):
        world.save()
    assert rows[0].pk in listed(ReportFilterSet) and sound() == []


def told():
    """Return what there is of all kinds but areas, which the public may always know of."""
    entries = Entry.objects.exclude(kind=Kind.AREAS).order_by("place").values_list("place", "digest")
    tallies = Tally.objects.exclude(kind=Kind.AREAS).filter(n__gt=0).order_by("pk")
    return list(entries), list(tallies.values_list("kind", "term", "beside", "n"))


def test_drafts_are_in_none_of_it(world):
    before = told()
    with index.renewed() as rows:
        rows += [everything("鑫", state="draft"), *PolicyArea.objects.all()]
    hidden = rows[0]
    assert traces("鑫") == [] and told() == before and sound() == []
    index.rebuild()
    assert told() == before
    for state in ("published", "withdrawn"):
        with index.renewed(Report.objects.get(pk=hidden.pk)):
            Report.objects.filter(pk=hidden.pk).update(state=state)
        assert (len(traces("鑫")) >= 12) == (state == "published") and sound() == []
    assert told() == before


# ---------------------------------------------------------------------------------------------------------------------
# Through the admin, and the commands that load
# ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def boss(admin_user):
    """A client that knows nothing of how tests keep the index."""
    browser = Client()
    browser.force_login(admin_user)
    browser.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return browser


def test_what_editors_do_in_the_admin_is_in_the_index(world, boss):
    advice = world.recommendations.get()
    area, relation = advice.areas.get(), advice.references_out.get()
    other = make.area(name_zh="上")
    index.rebuild()

    def then(model, **having):
        assert sound() == [], (model, having)
        return model.objects.filter(**having)

    submit(boss, page(Actor, "add"), slug="new-one", name_zh="新方", name_en="New", kind="group")
    assert then(Actor, slug="new-one")
    submit(boss, page(Report, "add"), slug="fresh", kind="report", title_zh="新", title_en="New")
    fresh = then(Report, slug="fresh").get()
    writer = make.author()
    submit(
        boss, page(Report, "change", fresh.pk), title_en="Newer", contributions__TOTAL_FORMS=1,
        contributions__0__author=writer.pk, contributions__0__role="author",
    )  # fmt: skip
    assert then(Contribution, report=fresh)
    add = f"{page(Recommendation, 'add')}?report={fresh.pk}"
    summaries = {"summary_zh": "新摘要", "summary_en": "New summary"}
    fields = {"report": fresh.pk, "areas": [area.pk], "action_type": "dialogue", "force": "should"}
    submit(boss, add, **fields, **summaries)
    new = then(Recommendation, report=fresh).get()
    act(boss, Report, "publish", [fresh], confirmed="yes")
    assert then(Report, state="published", slug="fresh") and new.pk in listed(area=[area.slug])
    submit(boss, page(Recommendation, "change", advice.pk), summary_en="Otherwise", evidence__0__DELETE="on")
    assert then(Evidence, recommendation=advice).count() == 0
    submit(boss, page(PolicyArea, "change", area.pk), parent=other.pk)
    assert then(PolicyArea, parent=other) and new.pk in listed(area=[other.slug])
    submit(boss, page(PolicyArea, "change", other.pk), events=[Event.objects.first().pk])
    assert then(Event, areas=other)
    submit(boss, page(Actor, "change", advice.made_by.pk), name_en="Somebody else")
    assert then(Actor, name_en="Somebody else") and advice.pk in listed(q="somebody else")
    question = world.positions.get().question
    outcome = {"outcome": "no", "outcome_date": "2022", "outcome_source": "https://example.org/"}
    submit(boss, page(Question, "change", question.pk), areas=[other.pk], **outcome)
    assert then(Question, outcome="no")
    axis, framework = world.ratings.get().dimension, make.framework(axes=())
    submit(boss, page(Dimension, "change", axis.pk), framework=framework.pk)
    assert then(Dimension, framework=framework)
    for decision, state in (("reject", "rejected"), ("confirm", "confirmed")):
        CrossReference.objects.filter(pk=relation.pk).update(state="suggested")
        index.rebuild()
        act(boss, CrossReference, decision, [relation], confirmed="yes")
        assert then(CrossReference, state=state, pk=relation.pk)
    boss.post(page(CrossReference, "delete", relation.pk), {"post": "yes"})
    assert not then(CrossReference, pk=relation.pk)
    citation, mention = world.citations.get(), world.mentions.get()
    act(boss, Citation, "delete_selected", [citation], post="yes")
    act(boss, Mention, "delete_selected", [mention], post="yes")
    assert not then(Citation, pk=citation.pk) and not then(Mention, pk=mention.pk)
    act(boss, Report, "withdraw", [world, fresh], confirmed="yes")
    assert then(Report, state="withdrawn").count() == 2 and new.pk not in listed()


def test_the_corpus_a_text_and_an_edited_dossier_come_with_their_index(tmp_path):
    call_command("load_corpus", verbosity=0)
    assert sound() == []
    path = tmp_path / "biden-issues-2021.json"
    data = json.loads((CORPUS / path.name).read_text(encoding="utf-8"))
    report = data["reports"][0]
    gone = report["recommendations"].pop()
    for row in report["positions"]:
        if row.get("recommendation") == gone["key"]:
            del row["recommendation"]
    report["title_en"], report["positions"][0]["summary_en"] = "Another title", "Another summary."
    path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    before = Recommendation.objects.count()
    load_dossier(path)
    assert Recommendation.objects.count() < before and sound() == []


def test_a_text_that_comes_in_can_be_searched_and_nothing_else_changes(tmp_path):
    path = tmp_path / "held.txt"
    path.write_text("两国应当尽快恢复各级别的官方对话，并共同制定标准。", encoding="utf-8")
    report = make.report(source_sha256=sha256_of(path), source_start=0, source_end=24)
    advice = make.recommendation(report)
    make.evidence(advice, 0, 16)
    index.rebuild()
    assert not listed(q="官方对话")
    ingest(path)
    assert listed(q="官方对话") == [advice.pk] and not listed(q="制定标准") and sound() == []


def test_a_relation_that_stands_the_other_way_round_is_renewed_where_it_stands(tmp_path):
    one, two = (make.recommendation(make.report(slug=slug), key="R01") for slug in ("one", "two"))
    make.cross_reference(one, two, kind="agrees")
    index.rebuild()
    row = {"source": "two/R01", "target": "one/R01", "kind": "agrees", "state": "confirmed", "rationale_en": "New."}
    row["rationale_zh"] = "新。"
    path = tmp_path / "relations.json"
    path.write_text(json.dumps({"format": "duizhao/1", "kind": "relations", "relations": [row]}), encoding="utf-8")
    load_dossier(path)
    assert CrossReference.objects.get().rationale_en == "New." and sound() == []


def test_a_person_who_becomes_known_stands_with_what_they_wrote(world):
    draft, writer = make.report(state="draft"), make.author()
    make.contribution(draft, author=writer)
    work = Work.objects.filter(citations__report=world).first()
    with index.renewed(work):
        work.people.add(writer)
    for state in ("published", "withdrawn"):
        with index.renewed(Report.objects.get(pk=draft.pk)):
            Report.objects.filter(pk=draft.pk).update(state=state)
        assert sound() == []
