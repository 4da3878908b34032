"""Lists of what reports say, in other forms than their pages: see portal.export."""

from django.db.models import Max, Q
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from portal.export import Entry, Table, follow, slugs
from recommendations.models import Voice
from reports.export import NAMES, documents, if_public, line, newest, told
from reports.models import Report

OF_REPORT = (
    ("report", "report.slug"),
    ("key", "key"),
    ("report_title_zh", "report.title_zh"),
    ("report_title_en", "report.title_en"),
    ("report_date", "report.date"),
)


def speaker(row, actor):
    """Return in whose name a row stands: the actor named, the parties together, or the authors."""
    if actor:
        return told(actor, "name")
    return _("The parties together") if row.voice == Voice.JOINT else _("The authors")


def repeated(row):
    """Return what a row restates, as far as it is public: a key of the same report, or report/key."""
    shown = [one for one in row.restates.all() if one.report_id == row.report_id or if_public(one.report)]
    return sorted(one.key if one.report_id == row.report_id else f"{one.report.slug}/{one.key}" for one in shown)


RECOMMENDATIONS = Table(
    endpoint="recommendations",
    title=_("Recommendations"),
    columns=(
        *OF_REPORT,
        ("parent", "parent.key"),
        ("unit", "unit"),
        ("restates", repeated),
        ("summary_zh", "summary_zh"),
        ("summary_en", "summary_en"),
        ("made_by", "made_by.slug"),
        ("made_by_zh", "made_by.name_zh"),
        ("made_by_en", "made_by.name_en"),
        ("voice", "voice"),
        ("addressees", lambda row: slugs(row.addressees)),
        ("areas", lambda row: slugs(row.areas)),
        ("action_type", "action_type"),
        ("force", "force"),
        ("standing", "standing"),
        ("instruments", lambda row: slugs(row.instruments)),
        ("condition_zh", "condition_zh"),
        ("condition_en", "condition_en"),
        ("note_zh", "note_zh"),
        ("note_en", "note_en"),
    ),
    prepare=lambda queryset: queryset.prefetch_related("instruments", "restates__report"),
    entry=lambda row: Entry(
        title=told(row, "summary"),
        text="\n\n".join(
            filter(
                None,
                [
                    line(told(row.report, "title"), row.key),
                    line(
                        speaker(row, row.made_by),
                        row.get_voice_display(),
                        row.get_action_type_display(),
                        row.get_force_display(),
                    ),
                    told(row, "condition"),
                ],
            )
        ),
        date=row.report.date,
        tags=[told(area, "name") for area in row.areas.all()],
    ),
)


def with_newest(path):
    """Return what annotates `newest`: the date of the newest published report at the end of a path."""
    return lambda queryset: queryset.annotate(
        newest=Max(f"{path}__date", filter=Q(**{f"{path}__in": Report.objects.published()}))
    )


def settled(name):
    """Return a lookup of what decides a question, or the question of a forecast; nothing while that is open."""

    def lookup(row):
        settlement = getattr(row, "question", row).settlement
        return follow(settlement, name) or ""

    return lookup


SETTLED = (
    ("outcome", settled("outcome")),
    ("outcome_date", settled("date")),
    ("outcome_source", settled("source")),
    ("outcome_report", settled("report.slug")),
)

QUESTIONS = Table(
    endpoint="questions",
    title=_("Questions"),
    columns=(
        ("slug", "slug"),
        ("kind", "kind"),
        ("text_zh", "text_zh"),
        ("text_en", "text_en"),
        ("areas", lambda row: slugs(row.areas)),
        ("documents", "report_count"),
        ("own", "own_count"),
        ("joint", "joint_count"),
        ("attributed", "attributed_count"),
        ("own_documents", "own_documents"),
        ("agreement", "agreement"),
        ("contention", "contention"),
        *SETTLED,
    ),
    prepare=lambda queryset: with_newest("positions__report")(queryset).with_outcomes(),
    entry=lambda row: Entry(
        title=told(row, "text"),
        text=line(row.get_kind_display(), documents(row.report_count)),
        date=max(row.newest or "", settled("date")(row)),
        tags=[told(area, "name") for area in row.areas.all()],
    ),
)


def stance_in(language):
    def word(row):
        with translation.override(language):
            return str(row.stance_word)

    return word


FORECASTS = Table(
    endpoint="forecasts",
    title=_("Forecasts"),
    columns=(
        *OF_REPORT,
        ("question", "question.slug"),
        ("question_zh", "question.text_zh"),
        ("question_en", "question.text_en"),
        ("holder", "holder.slug"),
        ("holder_zh", "holder.name_zh"),
        ("holder_en", "holder.name_en"),
        ("voice", "voice"),
        ("stance", "stance"),
        ("stance_zh", stance_in("zh-hans")),
        ("stance_en", stance_in("en")),
        ("hedge", "hedge"),
        ("horizon", "horizon"),
        ("condition_zh", "condition_zh"),
        ("condition_en", "condition_en"),
        ("summary_zh", "summary_zh"),
        ("summary_en", "summary_en"),
        ("note_zh", "note_zh"),
        ("note_en", "note_en"),
        ("recommendation", "recommendation.key"),
        ("result", "result"),
        *SETTLED,
    ),
    entry=lambda row: Entry(
        title=told(row.question, "text"),
        text="\n\n".join(
            [
                line(speaker(row, row.holder), row.get_voice_display(), row.stance_word, row.get_hedge_display()),
                told(row, "summary"),
                line(told(row.report, "title"), row.key),
            ]
        ),
        date=max(row.report.date, settled("date")(row)),
    ),
)

# Wants areas with `tally`, {voice: n}, and `newest`, a date: what is filed under a child counts for its parents too.
AREAS = Table(
    endpoint="areas",
    title=_("Policy areas"),
    columns=(
        *NAMES,
        ("parent", "parent.slug"),
        ("own", lambda row: row.tally.get(Voice.OWN, 0)),
        ("joint", lambda row: row.tally.get(Voice.JOINT, 0)),
        ("attributed", lambda row: row.tally.get(Voice.ATTRIBUTED, 0)),
    ),
    entry=lambda row: Entry(
        title=told(row, "name"),
        text=line(*(f"{Voice(voice).label} {n}" for voice, n in row.tally.items())),
        date=row.newest,
    ),
)

FRAMEWORKS = Table(
    endpoint="frameworks",
    title=_("Frameworks"),
    columns=(
        ("slug", "slug"),
        ("title_zh", "title_zh"),
        ("title_en", "title_en"),
        ("description_zh", "description_zh"),
        ("description_en", "description_en"),
        ("dimensions", lambda row: [axis.slug for axis in row.dimensions.all()]),
        ("subjects_rated_outright", "subject_count"),
        ("documents", "report_count"),
    ),
    prepare=with_newest("dimensions__ratings__report"),
    entry=lambda row: Entry(told(row, "title"), told(row, "description"), row.newest or ""),
)

EVENTS = Table(
    endpoint="events",
    title=_("Timeline"),
    columns=(
        ("slug", "slug"),
        ("title_zh", "title_zh"),
        ("title_en", "title_en"),
        ("date", "date"),
        ("date_end", "date_end"),
        ("target", "target"),
        ("areas", lambda row: slugs(row.areas)),
        ("reports", lambda row: sorted({m.report.slug for m in row.mentions.all()})),
    ),
    # A goal may lie in the future; what is new about an event is the report that mentions it.
    entry=lambda row: Entry(
        title=line(row.date, told(row, "title")),
        text="\n\n".join(dict.fromkeys(told(m.report, "title") for m in row.mentions.all())),
        date=newest(m.report for m in row.mentions.all()),
        tags=[told(area, "name") for area in row.areas.all()],
    ),
)


def places(row):
    """Return where a row is written: characters of the source, first and last, for each span."""
    return [f"{span.start}-{span.end}" for span in row.evidence.all()]


def sections(row):
    """Return the keys of the sections in which a row is written, each once."""
    found = [span.section or row.report.section_at(span.start) for span in row.evidence.all()]
    return list(dict.fromkeys(section.key for section in found if section))


RATINGS = Table(
    endpoint="ratings",
    title=_("Ratings"),
    columns=(
        ("framework", "dimension.framework.slug"),
        ("subject", "subject.slug"),
        ("subject_zh", "subject.name_zh"),
        ("subject_en", "subject.name_en"),
        ("dimension", "dimension.slug"),
        ("dimension_zh", "dimension.name_zh"),
        ("dimension_en", "dimension.name_en"),
        ("assessor", "assessor.slug"),
        ("assessor_zh", "assessor.name_zh"),
        ("assessor_en", "assessor.name_en"),
        ("voice", "voice"),
        ("level", "level"),
        ("basis", "basis"),
        *OF_REPORT,
        ("evidence", places),
        ("sections", sections),
        ("passages", lambda row: [span.passage.number for span in row.evidence.all() if span.passage]),
        ("summary_zh", "summary_zh"),
        ("summary_en", "summary_en"),
        ("note_zh", "note_zh"),
        ("note_en", "note_en"),
    ),
    entry=lambda row: Entry(
        title=line(told(row.subject, "name"), told(row.dimension, "name"), row.get_level_display()),
        text="\n\n".join(
            [
                line(speaker(row, row.assessor), row.voice.label, row.get_basis_display()),
                told(row, "summary"),
                line(told(row.report, "title"), row.key),
            ]
        ),
        date=row.report.date,
    ),
)

# Wants subjects `with_counts()`.
SUBJECTS = Table(
    endpoint="subjects",
    title=_("Subjects"),
    columns=(
        *NAMES,
        ("parent", "parent.slug"),
        ("documents", "report_count"),
        ("own_ratings", "own_count"),
        ("attributed_ratings", "attributed_count"),
    ),
    prepare=lambda queryset: with_newest("ratings__report")(queryset.select_related("parent")),
    entry=lambda row: Entry(
        title=told(row, "name"),
        text=line(*row.aliases, documents(row.report_count) if row.report_count else ""),
        date=row.newest or "",
    ),
)
