"""The index is what the truth demands: after any change in any order, after what breaks off, and after mending."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import ProtectedError, RestrictedError
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from portal import index
from portal.models import CorpusVersion, Entry, Kind, Tally, Term
from recommendations.filters import PositionFilterSet, QuestionFilterSet, RecommendationFilterSet
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
from reports.models import Author, Citation, Contribution, Event, Institution, Mention, Report, Work
from tests import factories as make

pytestmark = pytest.mark.django_db

CHANCE = st.randoms(use_true_random=False)
DATES = ["", "2019", "2020-05", "2021-02-03", "2021-02-03"]
NAMED = [Author, Institution, PolicyArea, Actor, Instrument, Subject]
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

    @rule(chance=CHANCE)
    def area_moves(self, chance):
        row = self.one(chance, PolicyArea)
        above = self.one(chance, PolicyArea)
        below = PolicyArea.objects.subtree_ids([row])
        self.change(row, parent=None if above.pk in below else above)

    @rule(chance=CHANCE)
    def question_is_edited(self, chance):
        row = self.one(chance, Question)
        outcome = {"outcome": "", "outcome_date": "", "outcome_source": ""}
        if row.kind == "predictive" and chance.random() < 0.5:
            outcome = {"outcome": "no", "outcome_date": "2022", "outcome_source": "https://example.org/"}
        self.change(row, areas=self.some(chance, PolicyArea, least=1), text_en=chance.choice(["War?", "Tax?"]), **outcome)

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
        max_examples=8,
        stateful_step_count=30,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # each step is a look at everything: what failed is told as it stands, not made short
        suppress_health_check=checks,
    )
    run_state_machine_as_test(Editing, settings=chosen)
