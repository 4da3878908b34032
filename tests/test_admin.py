"""The admin: what editors can enter, what coders cannot do, and that every page renders at a constant cost."""

import re

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.text import squeeze
from recommendations.models import CrossReference, Evidence, FollowUp, PolicyArea, Position, Recommendation
from reports.models import Citation, Contribution, Mention, Report, Section
from tests import factories as make

pytestmark = pytest.mark.django_db

TEXT = """一、恢复对话
中美应当尽快恢复两国网络安全领域的官方对话机制。双方宜在机制下定期交换 cyber policy 信息。
二、标准
双方可以共同制定人工智能技术标准。双方可以共同制定人工智能技术标准，并互相承认。"""
QUOTED = "中美应当尽快恢复两国网络安全领域的\n官方对话机制"


def user(group, client):
    person = get_user_model().objects.create(username=group, is_staff=True)
    person.groups.add(Group.objects.get(name=group))
    client.force_login(person)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return person


@pytest.fixture
def editor(client):
    return user("editor", client)


@pytest.fixture
def coder(client):
    return user("coder", client)


def page(model, name, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def fields(response):
    """What the form of a page would send: the initial values of the form and of its inlines."""
    context = response.context
    forms = [context["adminform"].form]
    for inline in context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    data = {}
    for form in forms:
        for bound in form:
            value = bound.value()
            if not bound.field.disabled and value is not None:
                data[bound.html_name] = value
    return data


def submit(client, address, expected=302, **changes):
    """Open a page, change some fields, send it. A refusal (200) returns the errors of all forms, by field name."""
    data = fields(client.get(address)) | {name.replace("__", "-"): value for name, value in changes.items()}
    response = client.post(address, data)
    found = {}
    if response.status_code == 200 and "adminform" in response.context:
        found = dict(response.context["adminform"].form.errors)
        for inline in response.context["inline_admin_formsets"]:
            for form in inline.formset.forms:
                found |= form.errors
    assert response.status_code == expected, found
    return {name: error.as_data()[0] for name, error in found.items()}


def summaries(number=1):
    return {"summary_zh": f"摘要{number}。", "summary_en": f"Summary {number}."}


def advice(report, areas, **values):
    fixed = {"report": report.pk, "areas": [a.pk for a in areas], "action_type": "dialogue", "force": "should"}
    return fixed | summaries() | values


@pytest.fixture
def held():
    """A draft whose text is held."""
    return make.report(make.source_text(TEXT), state="draft")


# ---------------------------------------------------------------------------------------------------------------------
# Entering a report
# ---------------------------------------------------------------------------------------------------------------------


def test_a_report_is_entered_from_nothing(client, editor):
    source, actor = make.source_text(TEXT), make.actor()
    submit(client, page(make.Author, "add"), slug="zhu-feng", name_zh="朱锋", name_en="Zhu Feng", aliases="Feng Zhu\n")
    writer = make.Author.objects.get(slug="zhu-feng")
    assert writer.aliases == ["Feng Zhu"]
    submit(client, page(PolicyArea, "add"), slug="cyber", name_zh="网络", name_en="Cyber")
    area = PolicyArea.objects.get(slug="cyber")
    submit(
        client, page(Report, "add"), slug="new", kind="report", title_zh="新报告", title_en="A new report",
        source_text=source.pk, contributions__TOTAL_FORMS=1, contributions__0__author=writer.pk,
        contributions__0__role="author",
    )  # fmt: skip
    report = Report.objects.get(slug="new")
    assert (report.state, report.source_sha256, report.source_file) == ("draft", source.sha256, source.file_name)
    assert report.contributions.get().author == writer
    Section.objects.create(report=report, key="s1", heading_zh="一", heading_en="I", start=0, end=70)

    add = f"{page(Recommendation, 'add')}?report={report.pk}"
    submit(client, add, **advice(report, [area]), evidence__0__quotation=QUOTED)
    umbrella = Recommendation.objects.get()
    submit(
        client, add, **advice(report, [area], parent=umbrella.pk, voice="attributed", made_by=actor.pk),
        evidence__0__quotation="定期交换cyber policy信息",
    )  # fmt: skip
    part = umbrella.parts.get()
    assert [(r.key, r.order) for r in (umbrella, part)] == [("R01", 0), ("R02", 1)]
    span = umbrella.evidence.get()
    assert report.squeezed.squeezed[span.start : span.end] == squeeze(QUOTED)
    assert span.digest == report.squeezed.digest(span.start, span.end)
    assert span.section.key == "s1"

    question = {"slug": "restore", "text_zh": "应当恢复吗？", "text_en": "Should it be restored?", "kind": "normative"}
    submit(client, page(make.Question, "add"), **question, areas=[area.pk])
    submit(
        client, f"{page(Position, 'add')}?report={report.pk}", question=make.Question.objects.get().pk, stance=2,
        recommendation=umbrella.pk, evidence__0__quotation=QUOTED, **summaries(),
    )  # fmt: skip
    position = Position.objects.get()
    assert (position.key, position.report, position.recommendation) == ("P01", report, umbrella)
    assert position.evidence.get().selector == span.selector


def test_links_of_a_report_prefill_it(client, editor, held):
    shown = client.get(page(Report, "change", held.pk))
    assert f'href="{page(Recommendation, "add")}?report={held.pk}"' in shown.content.decode()
    assert client.get(f"{page(Position, 'add')}?report={held.pk}").context["adminform"].form["report"].value() == str(
        held.pk
    )
    other = make.recommendation(make.report())
    mine = make.recommendation(held)
    listed = client.get(f"{page(Recommendation, 'changelist')}?report={held.slug}").context["cl"].queryset
    assert mine in listed and other not in listed


def test_keys_go_on_from_the_highest(client, editor, held):
    make.recommendation(held, key="R07", order=40)
    submit(client, page(Recommendation, "add"), **advice(held, [make.area()]), evidence__0__quotation=QUOTED)
    row = held.recommendations.latest("pk")
    assert (row.key, row.order) == ("R08", 41)
    submit(client, page(Section, "add"), report=held.pk, heading_zh="甲", heading_en="A", start=0, end=9)
    submit(client, page(Section, "add"), report=held.pk, heading_zh="乙", heading_en="B", start=9, end=20)
    assert [s.key for s in held.sections.all()] == ["s1", "s2"]
    submit(client, page(Citation, "add"), report=held.pk, mark="①", quotation=QUOTED)
    submit(client, page(Citation, "add"), report=held.pk, mark="②")
    first, second = held.citations.all()
    assert (first.key, first.start, second.key, second.start) == ("N01", 6, "N02", None)


def test_a_row_stays_with_its_report_under_its_key(client, editor, held):
    row, other = make.recommendation(held, key="R07"), make.report(state="draft")
    submit(client, page(Recommendation, "change", row.pk), report=other.pk, key="R99", summary_en="Said anew.")
    row.refresh_from_db()
    assert (row.report, row.key, row.summary_en) == (held, "R07", "Said anew.")


def test_add_another_goes_on_in_the_same_report(client, editor, held):
    data = {"report": held.pk, "heading_zh": "甲", "heading_en": "A", "start": 0, "end": 9, "_addanother": "1"}
    response = client.post(page(Section, "add"), data)
    assert response.url == f"{page(Section, 'add')}?report={held.pk}"


# ---------------------------------------------------------------------------------------------------------------------
# Quotations
# ---------------------------------------------------------------------------------------------------------------------

TWICE = "双方可以共同制定人工智能技术标准"


@pytest.mark.parametrize(
    ("quotation", "code"),
    [
        ("中美应当尽快恢复两国全部领域的对话", "absent"),
        ("官方对话机制", "length"),
        (TEXT[:80], "length"),
        (TWICE, "repeated"),
        ("", "required"),
    ],
)
def test_a_faulty_quotation_is_refused(client, editor, held, quotation, code):
    form = advice(held, [make.area()])
    place = {"evidence__0__quotation": quotation, "evidence__0__occurrence": "" if quotation else 1}
    errors = submit(client, page(Recommendation, "add"), 200, **form, **place)
    assert errors["quotation"].code == code
    assert not Recommendation.objects.exists()


def test_the_occurrence_can_be_chosen(client, editor, held):
    form = advice(held, [make.area()]) | {"evidence__0__quotation": TWICE}
    errors = submit(client, page(Recommendation, "add"), 200, **form, evidence__0__occurrence=3)
    assert errors["quotation"].code == "occurrence"
    submit(client, page(Recommendation, "add"), **form, evidence__0__occurrence=2)
    assert Evidence.objects.get().start == held.squeezed.squeezed.rindex(TWICE)


def test_a_quotation_is_looked_up_inside_the_report_only(client, editor):
    text = make.source_text(TEXT)
    end = squeeze(TEXT).index("二、标准")
    first = make.report(text, state="draft", source_end=end)
    second = make.report(text, state="draft", source_start=end, source_end=None)
    area = make.area()
    errors = submit(
        client, page(Recommendation, "add"), 200, **advice(second, [area]), evidence__0__quotation=QUOTED
    )  # fmt: skip
    assert errors["quotation"].code == "absent"
    submit(client, page(Recommendation, "add"), **advice(first, [area]), evidence__0__quotation=QUOTED)


def test_without_the_text_a_place_is_typed(client, editor):
    report, area = make.report(state="draft"), make.area()
    form = advice(report, [area])
    errors = submit(client, page(Recommendation, "add"), 200, **form, evidence__0__quotation=QUOTED)
    assert errors["quotation"].code == "not_held"
    typed = {"evidence__0__start": 10, "evidence__0__end": 30, "evidence__0__digest": "0123456789ab"}
    submit(client, page(Recommendation, "add"), **form, **typed)
    assert Evidence.objects.get().selector == {"start": 10, "end": 30, "digest": "0123456789ab"}


def test_a_typed_place_proves_itself_where_the_text_is_held(client, editor, held):
    form = advice(held, [make.area()]) | {"evidence__0__start": 10, "evidence__0__end": 30}
    errors = submit(client, page(Recommendation, "add"), 200, **form, evidence__0__digest="0123456789ab")
    assert errors["quotation"].code == "digest"
    submit(client, page(Recommendation, "add"), **form, evidence__0__digest=held.squeezed.digest(10, 30))


def test_a_stored_quotation_is_shown_and_kept(client, editor, held):
    row = make.recommendation(held)
    span = make.evidence(row, 6, 30)
    address = page(Recommendation, "change", row.pk)
    form = client.get(address).context["inline_admin_formsets"][0].formset.forms[0]
    assert form["quotation"].value() == held.squeezed.slice(6, 30)
    submit(client, address, evidence__0__quotation=TWICE, evidence__0__occurrence=1)
    assert Evidence.objects.get().selector == span.selector


def test_a_broken_quotation_is_pasted_anew(client, editor, held):
    row = make.recommendation(held)
    make.evidence(row, 6, 30, digest="0" * 12)
    submit(client, page(Recommendation, "change", row.pk), evidence__0__quotation=QUOTED)
    span = Evidence.objects.get()
    assert held.squeezed.digest(span.start, span.end) == span.digest


def test_a_mention_is_entered_by_its_quotation(client, editor, held):
    event = make.event()
    errors = submit(client, page(Mention, "add"), 200, report=held.pk, event=event.pk, quotation=TWICE)
    assert errors["quotation"].code == "repeated"
    submit(client, page(Mention, "add"), report=held.pk, event=event.pk, quotation=QUOTED)
    assert Mention.objects.get().start == 6


# ---------------------------------------------------------------------------------------------------------------------
# Who may do what
# ---------------------------------------------------------------------------------------------------------------------


def test_groups_exist_after_migrate_and_stay_the_same():
    before = {name: set(Group.objects.get(name=name).permissions.all()) for name in ("coder", "editor")}
    Group.objects.get(name="coder").permissions.add(Permission.objects.get(codename="publish_report"))
    call_command("migrate", verbosity=0)
    assert before == {name: set(Group.objects.get(name=name).permissions.all()) for name in ("coder", "editor")}
    assert {p.codename for p in before["editor"] - before["coder"]} >= {"publish_report", "change_author"}
    assert not before["coder"] - before["editor"]


LOCKED = [{"state": "published"}, {"state": "scheduled", "publish_at": "2100-01-01T00:00Z"}]


@pytest.mark.parametrize("locked", LOCKED, ids=lambda state: state["state"])
def test_a_coder_changes_nothing_that_is_out(client, coder, locked):
    report = make.report(**locked)
    advice_row = make.recommendation(report)
    follow_up = FollowUp.objects.create(
        recommendation=advice_row, date="2022", status="done", narrative_zh="已", narrative_en="Done",
        source_url="https://example.org/",
    )  # fmt: skip
    rows = [
        report, advice_row, follow_up, make.position(report), make.rating(report), make.contribution(report),
        make.section(report), make.citation(report), make.mention(report, make.event()),
    ]  # fmt: skip
    for row in rows:
        assert client.get(page(type(row), "change", row.pk)).status_code == 200
        assert client.post(page(type(row), "change", row.pk), {}).status_code == 403, row
        assert client.post(page(type(row), "delete", row.pk), {"post": "yes"}).status_code == 403, row
    shown = client.get(page(Report, "change", report.pk)).content.decode()
    assert f"?report={report.pk}" not in shown


@pytest.mark.parametrize("locked", LOCKED, ids=lambda state: state["state"])
def test_a_coder_adds_nothing_to_what_is_out(client, coder, locked):
    report, area = make.report(**locked), make.area()
    out = make.recommendation(report)
    place = {"evidence__0__start": 10, "evidence__0__end": 30, "evidence__0__digest": "0123456789ab"}
    assert "report" in submit(client, page(Recommendation, "add"), 200, **advice(report, [area]), **place)
    question = {"question": make.question().pk, "stance": 1}
    assert "report" in submit(client, page(Position, "add"), 200, report=report.pk, **question, **summaries(), **place)
    assert "report" in submit(
        client, page(Section, "add"), 200, report=report.pk, heading_zh="甲", heading_en="A", start=0, end=9
    )
    who = {"author": make.author().pk, "role": "author"}
    assert "report" in submit(client, page(Contribution, "add"), 200, report=report.pk, **who)
    told = {"date": "2022", "status": "done", "narrative_zh": "已", "narrative_en": "Done"}
    told["source_url"] = "https://example.org/"
    assert "recommendation" in submit(client, page(FollowUp, "add"), 200, recommendation=out.pk, **told)
    essay = {"slug": "essay", "kind": "essay", "title_zh": "文", "title_en": "Essay"}
    assert "part_of" in submit(client, page(Report, "add"), 200, part_of=report.pk, **essay)
    assert (report.recommendations.count(), report.positions.count(), report.parts.count()) == (1, 0, 0)


def test_a_coder_moves_no_row_into_what_is_out(client, coder, held):
    out, row = make.report(), make.recommendation(held)
    submit(client, page(Recommendation, "change", row.pk), report=out.pk)
    row.refresh_from_db()
    assert row.report == held
    told = FollowUp.objects.create(
        recommendation=row, date="2022", status="done", narrative_zh="已", narrative_en="Done",
        source_url="https://example.org/",
    )  # fmt: skip
    other = make.recommendation(out)
    assert "recommendation" in submit(client, page(FollowUp, "change", told.pk), 200, recommendation=other.pk)


def test_a_coder_works_on_a_draft_and_sends_it_to_review(client, coder, held):
    submit(
        client, page(Recommendation, "add"), **advice(held, [make.area()]), evidence__0__quotation=QUOTED
    )  # fmt: skip
    submit(client, page(Report, "change", held.pk), state="in_review")
    held.refresh_from_db()
    assert held.state == "in_review"
    row = held.recommendations.get()
    assert client.post(page(Recommendation, "delete", row.pk), {"post": "yes"}).status_code == 302
    assert not held.recommendations.exists()


@pytest.mark.parametrize("state", ["published", "scheduled", "withdrawn"])
def test_a_coder_goes_no_further_than_review(client, coder, held, state):
    address = page(Report, "change", held.pk)
    assert "state" in submit(client, address, 200, state=state, publish_at_0="2100-01-01", publish_at_1="00:00")
    fresh = {"slug": "fresh", "kind": "report", "title_zh": "新", "title_en": "New"}
    assert "state" in submit(client, page(Report, "add"), 200, state=state, **fresh)
    withdrawn = make.report(state="withdrawn")
    assert "state" in submit(client, page(Report, "change", withdrawn.pk), 200, state="draft")


def act(client, model, action, rows, **more):
    return client.post(page(model, "changelist"), {"action": action, "_selected_action": [r.pk for r in rows]} | more)


@pytest.mark.parametrize("action", ["publish", "withdraw"])
def test_a_coder_has_no_publishing_actions(client, coder, action):
    rows = [make.report(state="in_review"), make.report(state="published")]
    act(client, Report, action, rows, confirmed="yes")
    assert [Report.objects.get(pk=r.pk).state for r in rows] == ["in_review", "published"]


def test_actions_show_what_will_happen_and_then_do_it_row_by_row(client, editor):
    draft, out = make.report(state="draft"), make.report(state="published")
    asked = act(client, Report, "publish", [draft, out])
    assert {row.pk: possible for row, possible in asked.context["rows"]} == {draft.pk: True, out.pk: False}
    assert Report.objects.get(pk=draft.pk).state == "draft"
    act(client, Report, "publish", [draft, out], confirmed="yes")
    assert Report.objects.get(pk=draft.pk).state == "published"
    assert editor.logentry_set.get().object_id == str(draft.pk)
    act(client, Report, "withdraw", [draft], confirmed="yes")
    assert Report.objects.get(pk=draft.pk).state == "withdrawn"


def test_review_is_asked_for_drafts_only(client, coder):
    rows = [make.report(state=state) for state in ("draft", "published", "withdrawn")]
    act(client, Report, "send_to_review", rows, confirmed="yes")
    assert [Report.objects.get(pk=r.pk).state for r in rows] == ["in_review", "published", "withdrawn"]


@pytest.mark.parametrize("state", ["in_review", "published", "withdrawn"])
def test_only_drafts_are_deleted(client, editor, state):
    report = make.report(state=state)
    assert client.post(page(Report, "delete", report.pk), {"post": "yes"}).status_code == 403


def test_a_draft_is_deleted_with_its_tree(client, editor, held):
    umbrella = make.recommendation(held)
    make.evidence(make.recommendation(held, parent=umbrella), 6, 30)
    held.passages.create(number=1, text="一", start=0, end=5)
    address = page(Report, "delete", held.pk)
    assert not client.get(address).context["protected"]
    assert umbrella.parts.exists()
    assert client.post(address, {"post": "yes"}).status_code == 302
    assert not Recommendation.objects.exists()


def test_coders_add_words_and_change_none(client, coder):
    submit(client, page(PolicyArea, "add"), slug="cyber", name_zh="网络", name_en="Cyber")
    area = PolicyArea.objects.get()
    assert client.post(page(PolicyArea, "change", area.pk), {}).status_code == 403
    assert client.post(page(PolicyArea, "delete", area.pk), {"post": "yes"}).status_code == 403


def test_used_words_are_not_deleted(client, editor):
    report = make.report()
    used = make.recommendation(report, areas=[make.area()], addressees=[make.actor()]).areas.get()
    linked = make.institution()
    make.actor(institution=linked)
    for row in (used, linked, make.position(report).question):
        response = client.post(page(type(row), "delete", row.pk), {"post": "yes"})
        assert response.status_code == 200 and response.context["protected"], row
        act(client, type(row), "delete_selected", [row], post="yes")
        assert type(row).objects.filter(pk=row.pk).exists()
    free = make.area()
    assert client.post(page(PolicyArea, "delete", free.pk), {"post": "yes"}).status_code == 302


def test_a_relation_is_suggested_by_coders_and_decided_by_editors(client, coder):
    source, target = make.recommendation(make.report()), make.recommendation(make.report())
    submit(
        client, page(CrossReference, "add"), source=source.pk, target=target.pk, kind="agrees", state="confirmed"
    )  # fmt: skip
    relation = CrossReference.objects.get()
    assert relation.state == "suggested"
    act(client, CrossReference, "confirm", [relation], confirmed="yes")
    assert CrossReference.objects.get().state == "suggested"
    editor = user("editor", client)
    act(client, CrossReference, "confirm", [relation], confirmed="yes")
    relation.refresh_from_db()
    assert (relation.state, relation.confirmed_by) == ("confirmed", editor)
    client.force_login(coder)
    assert client.post(page(CrossReference, "change", relation.pk), {}).status_code == 403
    assert client.post(page(CrossReference, "delete", relation.pk), {"post": "yes"}).status_code == 403


def test_a_follow_up_records_its_editor(client, editor):
    row = make.recommendation(make.report())
    submit(
        client, page(FollowUp, "add"), recommendation=row.pk, date="2022", status="done", narrative_zh="已",
        narrative_en="Done", source_url="https://example.org/",
    )  # fmt: skip
    assert FollowUp.objects.get().editor == editor


def test_choices_of_coded_rows_name_their_report_and_need_permission(client, coder, held):
    mine, other = make.recommendation(held), make.recommendation(make.report())
    question = {"app_label": "recommendations", "model_name": "recommendation", "field_name": "parent"}
    address = reverse("admin:row_choices")
    texts = {r["text"] for r in client.get(address, question).json()["results"]}
    assert texts == {f"{row.report.slug} {row}" for row in (mine, other)}
    some = client.get(address, question | {"report": held.pk}).json()["results"]
    assert [r["id"] for r in some] == [str(mine.pk)]
    coder.groups.clear()
    assert client.get(address, question).status_code == 403
    client.logout()
    assert client.get(address, question).status_code == 302


def test_names_are_found_in_both_languages_and_pinyin(client, editor):
    row = make.author(name_zh="朱锋", name_en="Zhu Feng", aliases=["Chu Feng"])
    make.author(name_zh="杨成", name_en="Yang Cheng")
    for words in ("朱锋", "zhu feng", "zhufeng", "zf", "chu"):
        assert list(client.get(page(type(row), "changelist"), {"q": words}).context["cl"].queryset) == [row], words


# ---------------------------------------------------------------------------------------------------------------------
# Every page
# ---------------------------------------------------------------------------------------------------------------------

OURS = [model for model in admin.site._registry if model._meta.app_label in ("reports", "recommendations")]


def everything(text=None):
    """One row of every model, on one report; returns them by model."""
    report = make.report(text or make.source_text(TEXT), publisher=make.institution(), state="draft")
    section = make.section(report, end=80)
    row = make.recommendation(report, made_by=make.actor(), voice="attributed", addressees=[make.actor()])
    position, rating = make.position(report, recommendation=row), make.rating(report, assessor=make.actor())
    contribution = make.contribution(report)
    contribution.affiliations.add(make.institution())
    for owner in (row, position, rating):
        make.evidence(owner, 6, 30)
    told = {"date": "2022", "status": "done", "narrative_zh": "已", "narrative_en": "Done"}
    found = [
        report, section, row, position, rating, contribution, report.source_text,
        report.passages.create(number=1, text="一", start=0, end=5, section=section),
        make.citation(report, work=make.work()), make.mention(report, make.event()),
        make.resolution(report, position.question),
        make.cross_reference(row, make.recommendation(make.report())), make.instrument(), make.actor(),
        FollowUp.objects.create(recommendation=row, source_url="https://example.org/", **told),
    ]  # fmt: skip
    found += [position.question, rating.dimension, rating.dimension.framework, rating.subject, row.areas.get()]
    found += [contribution.author, report.publisher, report.citations.get().work, report.mentions.get().event]
    return {type(row): row for row in found}


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("group", ["editor", "coder"])
def test_every_page_renders(client, group, language):
    user(group, client)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    rows = everything()
    assert rows.keys() == set(OURS)
    assert client.get(reverse("admin:index")).status_code == 200
    for model, row in rows.items():
        model_admin = admin.site._registry[model]
        assert client.get(page(model, "changelist"), {"q": "x 朱"}).status_code == 200, model
        assert client.get(page(model, "change", row.pk)).status_code == 200, model
        add = model_admin.has_add_permission(client.get(page(model, "changelist")).wsgi_request)
        assert client.get(page(model, "add")).status_code == (200 if add else 403), model


def test_what_is_out_is_shown_to_coders_with_its_quotations(client, coder):
    out = everything()
    Report.objects.update(state="published")
    shown = client.get(page(Recommendation, "change", out[Recommendation].pk)).content.decode()
    assert out[Report].squeezed.slice(6, 30) in shown


def queries(client, address):
    with CaptureQueriesContext(
        connection,
    ) as found:
        assert client.get(address).status_code == 200
    return len(found)


def test_lists_cost_the_same_for_one_row_and_for_ten(client, editor):
    everything()
    client.get(reverse("admin:index"))
    addresses = [reverse("admin:index"), *(page(model, "changelist") for model in OURS)]
    once = {address: queries(client, address) for address in addresses}
    for _ in range(9):
        everything()
    assert {address: queries(client, address) for address in addresses} == once


def test_forms_cost_the_same_for_one_inline_and_for_ten(client, editor):
    rows = everything()
    report, advice_row = rows[Report], rows[Recommendation]
    addresses = [page(type(row), "change", row.pk) for row in (report, advice_row)]
    once = [queries(client, address) for address in addresses]
    for number in range(9):
        make.evidence(advice_row, 7 + number, 30)
        make.contribution(report).affiliations.add(make.institution())
        make.contribution(report, institution=make.institution())
    assert [queries(client, address) for address in addresses] == once


def test_quotations_of_what_is_out_cost_the_same_for_one_and_for_ten(client, coder):
    row = everything()[Recommendation]
    Report.objects.update(state="published")
    address = page(Recommendation, "change", row.pk)
    once = queries(client, address)
    for number in range(9):
        make.evidence(row, 7 + number, 30)
    assert queries(client, address) == once


def test_choices_cost_the_same_for_one_row_and_for_ten(client, editor):
    everything()
    fields_of = [
        ("recommendation", "restates", "admin:row_choices"),
        ("rating", "dimension", "admin:autocomplete"),
        ("position", "question", "admin:autocomplete"),
    ]
    addresses = [
        f"{reverse(name)}?app_label=recommendations&model_name={model}&field_name={field}"
        for model, field, name in fields_of
    ]
    once = [queries(client, address) for address in addresses]
    for _ in range(9):
        everything()
    assert [queries(client, address) for address in addresses] == once


def test_the_index_shows_what_waits(client, editor, held):
    row = make.recommendation(held, condition_zh="若有条件。")
    make.evidence(make.position(held), 6, 30, digest="0" * 12)
    response = client.get(reverse("admin:index"))
    shown = re.sub(r"\s+", " ", response.content.decode())
    for words in ("Drafts</a> <strong>1", "Recommendations without evidence</a> <strong>1", "Broken evidence"):
        assert words in shown
    missing = client.get(f"{page(Recommendation, 'changelist')}?translation=missing").context["cl"].queryset
    assert list(missing) == [row]


def test_nothing_inline_on_admin_pages(client, editor):
    rows = everything()
    for address in (reverse("admin:index"), *(page(m, "change", r.pk) for m, r in rows.items())):
        shown = client.get(address).content.decode()
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)[^>]*>", shown), address
