"""What reports say, in the admin: recommendations, positions and ratings with their evidence, and the words they share.

A coded row is entered with its evidence by pasting quotations; its key and order follow by themselves.
"""

from django.contrib import admin, messages
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Value
from django.db.models.functions import Coalesce
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from portal.admin import Bilingual, EditorialAdmin, MissingTranslation, NamedAdmin, VocabularyAdmin, step, take_step
from portal.text import told
from recommendations.models import (
    Actor,
    CrossReference,
    Dimension,
    Evidence,
    FollowUp,
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
from recommendations.suggestion import weightiest
from reports.admin import PLACE, OfOneReport, Quoting, RowAdmin, RowForm, RowFormSet, SpanAdmin, SpanForm
from reports.models import Event

CODED = (Recommendation, Position)  # rows that other rows choose

# ---------------------------------------------------------------------------------------------------------------------
# Choosing a coded row: R07 alone says little, so its report stands beside it
# ---------------------------------------------------------------------------------------------------------------------


def row_label(row):
    return f"{row.report.slug} {row}"


class RowChoices(AutocompleteJsonView):
    """Coded rows to choose from: those of `report` where the form knows which is meant, else all."""

    def get_queryset(self):
        rows, report = super().get_queryset().select_related("report"), self.request.GET.get("report", "")
        return rows.filter(report=report) if report.isdecimal() else rows

    def serialize_result(self, obj, to_field_name):
        return super().serialize_result(obj, to_field_name) | {"text": row_label(obj)}


class RowSelect(AutocompleteSelect):
    report = None

    def get_url(self):
        url = reverse(f"{self.admin_site.name}:row_choices")
        return f"{url}?report={self.report}" if self.report else url


class RowSelectMultiple(AutocompleteSelectMultiple):
    url_name = "%s:row_choices"


class ChoosingRows:
    """Options of pages with references to coded rows."""

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.related_model not in CODED:
            return super().formfield_for_foreignkey(db_field, request, **kwargs)
        return self.labelled(
            super().formfield_for_foreignkey(db_field, request, widget=RowSelect(db_field, self.admin_site), **kwargs)
        )

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        if db_field.related_model not in CODED:
            return super().formfield_for_manytomany(db_field, request, **kwargs)
        return self.labelled(
            super().formfield_for_manytomany(
                db_field, request, widget=RowSelectMultiple(db_field, self.admin_site), **kwargs
            )
        )

    @staticmethod
    def labelled(field):
        field.label_from_instance, field.queryset = row_label, field.queryset.select_related("report")
        return field


# ---------------------------------------------------------------------------------------------------------------------
# Evidence
# ---------------------------------------------------------------------------------------------------------------------


class EvidenceForm(SpanForm):
    def save(self, commit=True):
        """The section and the passage follow from the place."""
        start, report = self.instance.start, self.report
        self.instance.section = report.section_at(start)
        self.instance.passage = report.passages.filter(start__lte=start, end__gt=start).first()
        return super().save(commit)


class EvidenceInline(Quoting, Bilingual, admin.StackedInline):
    model = Evidence
    form = EvidenceForm
    formset = RowFormSet
    extra = 1
    fieldsets = [(None, {"fields": ["quotation", "occurrence"]}), PLACE]

    def get_queryset(self, request):
        """Rows with their report and the identity of its text, which `quotation` asks for."""
        texts = [f"{owner}__report__source_text" for owner in ("recommendation", "position", "rating")]
        return super().get_queryset(request).select_related(*texts).defer(*(f"{text}__text" for text in texts))

    def report_of(self, obj):
        return obj.owner.report


# ---------------------------------------------------------------------------------------------------------------------
# Coded rows
# ---------------------------------------------------------------------------------------------------------------------


class EvidenceMissing(admin.SimpleListFilter):
    """Rows that do not say where they stand."""

    title = _("evidence")
    parameter_name = "evidence"

    def lookups(self, request, model_admin):
        return [("none", _("none"))]

    def queryset(self, request, queryset):
        return queryset.filter(evidence=None) if self.value() == "none" else queryset


class Umbrella(admin.SimpleListFilter):
    title = pgettext_lazy("umbrella", "level")
    parameter_name = "level"

    def lookups(self, request, model_admin):
        return [("umbrella", _("umbrella")), ("atomic", _("single act"))]

    def queryset(self, request, queryset):
        match self.value():
            case "umbrella":
                return queryset.filter(parts__isnull=False).distinct()
            case "atomic":
                return queryset.filter(parts=None)
        return queryset


class CodedForm(RowForm):
    """Rows to choose from are offered of the same report, once that is known."""

    scoped = []

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        report = self.instance.report_id or self.data.get("report") or self.initial.get("report")
        for name in set(self.scoped) & self.fields.keys():
            self.fields[name].widget.widget.report = report


class RecommendationForm(CodedForm):
    letter = "R"
    scoped = ["parent"]


class PositionForm(CodedForm):
    letter = "P"
    scoped = ["recommendation"]


class RatingForm(CodedForm):
    letter = "T"


KEY = (
    _("Key, order and notes"),
    {
        "description": _(
            "Key and order are filled when left empty. A note says what is not stated, and where a fact from elsewhere "
            "comes from."
        ),
        "classes": ["collapse"],
        "fields": ["key", "order", ("note_zh", "note_en")],
    },
)


class CodedAdmin(ChoosingRows, RowAdmin):
    inlines = [EvidenceInline]
    search_fields = ["key", "summary_zh", "summary_en", "report__slug", "report__title_zh", "report__title_en"]
    search_help_text = _("Key, summary in either language, title or slug of the report.")


@admin.register(Recommendation)
class RecommendationAdmin(CodedAdmin):
    form = RecommendationForm
    list_display = ["key", "summary_zh", "summary_en", "action_type", "force", "report"]
    list_filter = [
        OfOneReport, "report__state", Umbrella, "voice", "standing", "force", "action_type", EvidenceMissing,
        MissingTranslation,
    ]  # fmt: skip
    autocomplete_fields = ["report", "parent", "made_by", "addressees", "areas", "instruments", "restates"]
    fieldsets = [
        (
            None,
            {
                "description": _(
                    "Something the text says an actor should do, may do, needs to do or should stop doing: one row for "
                    "each distinct act. A heading that gathers others is an umbrella, and its parts point at it. "
                    "Summaries are one sentence in our own words, said anew, shorter and plainer."
                ),
                "fields": ["report", "parent", ("summary_zh", "summary_en")],
            },
        ),
        (
            _("Who says it to whom"),
            {
                "description": _(
                    "Own advice names no maker; advice that the report passes on is attributed and names one. Where "
                    "the text names nobody who should act, the addressee stays empty and the note says how it was read."
                ),
                "fields": [("voice", "made_by"), "addressees"],
            },
        ),
        (
            _("What is asked"),
            {
                "fields": [
                    ("action_type", "force", "standing"),
                    "areas",
                    "instruments",
                    ("condition_zh", "condition_en"),
                ]
            },
        ),
        (
            _("Repeats"),
            {
                "description": _("A summary, preface or abstract that repeats the body is coded once, in the body."),
                "fields": ["restates"],
            },
        ),
        KEY,
    ]

    def get_urls(self):
        choices = self.admin_site.admin_view(RowChoices.as_view(admin_site=self.admin_site))
        return [path("choices/", choices, name="row_choices"), *super().get_urls()]


@admin.register(Position)
class PositionAdmin(CodedAdmin):
    form = PositionForm
    list_display = ["key", "summary_zh", "summary_en", "question", "stance", "voice", "report"]
    list_filter = [
        OfOneReport, "report__state", "question__kind", "stance", "voice", "hedge", EvidenceMissing, MissingTranslation,
    ]  # fmt: skip
    list_select_related = ["report", "question"]
    search_fields = [*CodedAdmin.search_fields, "question__text_zh", "question__text_en", "holder__name_index"]
    autocomplete_fields = ["report", "question", "holder", "recommendation"]
    fieldsets = [
        (
            None,
            {
                "description": _(
                    "A holder's answer to a question on which somebody could answer otherwise. Forecasts are positions "
                    "on predictive questions. A recommendation on a shared question is also a position, and is linked."
                ),
                "fields": ["report", "question", ("summary_zh", "summary_en")],
            },
        ),
        (
            _("Whose answer"),
            {
                "description": _(
                    "Who holds it according to the text: an own view names no holder. Words such as 所谓 mark a view "
                    "that the author rejects. “X argues that Y said Z” is the view of Y, attributed."
                ),
                "fields": [("voice", "holder")],
            },
        ),
        (
            _("The answer"),
            {"fields": [("stance", "hedge", "horizon"), ("condition_zh", "condition_en"), "recommendation"]},
        ),
        KEY,
    ]


@admin.register(Rating)
class RatingAdmin(CodedAdmin):
    form = RatingForm
    list_display = ["key", "subject", "dimension", "level", "basis", "assessor", "report"]
    list_filter = [OfOneReport, "report__state", "level", "basis", EvidenceMissing, MissingTranslation]
    list_select_related = ["report", "subject", "dimension__framework", "assessor"]
    search_fields = [*CodedAdmin.search_fields, "subject__name_index", "assessor__name_index"]
    autocomplete_fields = ["report", "subject", "dimension", "assessor"]
    fieldsets = [
        (
            None,
            {
                "description": _(
                    "A level on a named dimension; the assessor belongs to the rating. A quadrant counts as two "
                    "explicit ratings. Only ratings stated outright are drawn as points; a level that the text does "
                    "not state stays empty."
                ),
                "fields": [
                    "report",
                    ("subject", "dimension"),
                    ("level", "basis"),
                    "assessor",
                    ("summary_zh", "summary_en"),
                ],
            },
        ),
        KEY,
    ]


# ---------------------------------------------------------------------------------------------------------------------
# What joins coded rows to one another and to later events
# ---------------------------------------------------------------------------------------------------------------------


SIGNAL_WORDS = {
    "questions": _("shared question"),
    "areas": _("policy areas"),
    "addressees": _("addressees"),
    "instruments": _("instruments"),
    "action": _("action"),
    "text_zh": _("words (Chinese)"),
    "text_en": _("words (English)"),
}
UNSCORED = Value(-1.0)  # a relation entered by hand comes after those that have a score, on every database


@admin.register(CrossReference)
class CrossReferenceAdmin(ChoosingRows, EditorialAdmin):
    """A relation between recommendations of two reports. Coders suggest; publishers confirm or reject.

    What waits comes first, the highest score on top, with a button for either decision.
    """

    list_display = ["source_key", "kind", "target_key", "grounds", "score_shown", "state", "confirmed_by"]
    ordering = ["-state", Coalesce("score", UNSCORED).desc(), "pk"]  # suggested, rejected, confirmed
    list_filter = ["state", "kind", MissingTranslation]
    list_select_related = ["source__report", "target__report", "confirmed_by"]
    search_fields = [f"{end}__{name}" for end in ("source", "target") for name in RecommendationAdmin.search_fields]
    autocomplete_fields = ["source", "target"]
    fieldsets = [
        (
            None,
            {
                "description": _(
                    "A relation is read from both ends: where the first row refines the second, the second is refined "
                    "by the first. Give the reason in both languages. A suggested relation is not shown to readers "
                    "until it is confirmed."
                ),
                "fields": ["source", "kind", "target", ("rationale_zh", "rationale_en"), "state"],
            },
        )
    ]
    State = CrossReference.State
    DECISIONS = {
        "confirm": (_("Confirm"), [State.SUGGESTED, State.REJECTED], State.CONFIRMED),
        "reject": (_("Reject"), [State.SUGGESTED, State.CONFIRMED], State.REJECTED),
    }
    actions = [step(name, *decision, "publish") for name, decision in DECISIONS.items()]

    @admin.display(description=_("from"), ordering="source")
    def source_key(self, obj):
        return row_label(obj.source)

    @admin.display(description=_("to"), ordering="target")
    def target_key(self, obj):
        return row_label(obj.target)

    @admin.display(description=_("reason"))
    def grounds(self, obj):
        """The reason, and of a proposal what each signal is worth, the weightiest first."""
        signals = [(SIGNAL_WORDS[name], f"{obj.reasons[name]:.2f}") for name in weightiest(obj.reasons)]
        shown = format_html_join(" · ", "{} {}", signals)
        return format_html('{}<br><span class="signals">{}</span>', told(obj, "rationale"), shown)

    @admin.display(description=_("score"), ordering=Coalesce("score", UNSCORED))
    def score_shown(self, obj):
        return f"{obj.score:.2f}" if obj.score is not None else None

    def get_list_display(self, request):
        """Whoever may decide has the buttons beside each row that waits; they send the list's own form elsewhere."""

        @admin.display(description=_("decision"))
        def decision(obj):
            if obj.state != self.State.SUGGESTED:
                return None
            rows = (
                (reverse(f"{self.admin_site.name}:crossreference_{name}", args=[obj.pk]), query, label, obj, label)
                for name, (label, *_steps) in self.DECISIONS.items()
            )
            button = '<button type="submit" formaction="{}?{}" aria-label="{}: {}">{}</button>'
            return format_html('<span class="decide">{}</span>', format_html_join(" ", button, rows))

        query = request.GET.urlencode()
        shown = super().get_list_display(request)
        ends = shown.index("target_key") + 1  # beside the two ends; after all columns one would have to scroll for it
        return [*shown[:ends], decision, *shown[ends:]] if self.has_publish_permission(request) else shown

    def get_urls(self):
        decide = self.admin_site.admin_view(self.decide)
        return [
            *(
                path(f"<int:pk>/{name}/", decide, {"name": name}, name=f"crossreference_{name}")
                for name in self.DECISIONS
            ),
            *super().get_urls(),
        ]

    @method_decorator(require_POST)
    def decide(self, request, pk, name):
        """Confirm or reject one relation, and go back to the list as it was."""
        if not self.has_publish_permission(request):
            raise PermissionDenied
        row = get_object_or_404(self.get_queryset(request), pk=pk)
        _label, _sources, target = self.DECISIONS[name]
        # Only what waits is decided by a click: a list may be old, and another editor may have decided since.
        if take_step(self, request, pk, [self.State.SUGGESTED], target):
            said = gettext("%(row)s is now: %(state)s.") % {"row": row, "state": self.State(target).label}
            url = reverse(f"{self.admin_site.name}:recommendations_crossreference_change", args=[pk])
            undo = gettext("To undo this, set its state back on its page.")
            self.message_user(request, format_html('{} <a href="{}">{}</a>', said, url, undo), messages.SUCCESS)
        elif row.state != self.State.SUGGESTED:
            said = gettext("%(row)s was decided before: %(state)s.") % {"row": row, "state": row.get_state_display()}
            self.message_user(request, said, messages.WARNING)
        query = request.GET.urlencode()
        changelist = reverse(f"{self.admin_site.name}:recommendations_crossreference_changelist")
        return redirect(f"{changelist}?{query}" if query else changelist)

    def get_readonly_fields(self, request, obj=None):
        return [] if self.has_publish_permission(request) else ["state"]

    def is_open(self, request, obj):
        return obj is None or obj.state == self.State.SUGGESTED or self.has_publish_permission(request)

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and self.is_open(request, obj)

    def has_delete_permission(self, request, obj=None):
        return super().has_delete_permission(request, obj) and self.is_open(request, obj)

    def record(self, request, row):
        """A decision bears the name of whoever took it."""
        row.confirmed_by = None if row.state == self.State.SUGGESTED else request.user

    def save_model(self, request, obj, form, change):
        if "state" in form.changed_data:
            self.record(request, obj)
        super().save_model(request, obj, form, change)


@admin.register(Resolution)
class ResolutionAdmin(SpanAdmin):
    """What a report itself tells of the outcome of a forecast."""

    form = SpanForm
    list_display = ["question", "outcome", "date", "report"]
    list_filter = [OfOneReport, "outcome", "report__state", MissingTranslation]
    list_select_related = ["report", "question"]
    search_fields = ["question__text_zh", "question__text_en", "question__slug", "report__slug"]
    autocomplete_fields = ["report", "question"]
    fieldsets = [
        (
            None,
            {
                "description": _(
                    "A place where a report tells as done what some forecast was about. Only what the text states; an "
                    "outcome known from elsewhere is entered on the question, with its source."
                ),
                "fields": [
                    "report",
                    "question",
                    ("outcome", "date"),
                    "quotation",
                    "occurrence",
                    ("note_zh", "note_en"),
                ],
            },
        ),
        PLACE,
    ]


class FollowUpForm(RowForm):
    owners = ["recommendation", "position"]


@admin.register(FollowUp)
class FollowUpAdmin(ChoosingRows, RowAdmin):
    form = FollowUpForm
    list_display = ["date", "status", "narrative_zh", "recommendation", "position", "editor"]
    list_filter = ["status", MissingTranslation]
    list_select_related = ["recommendation", "position", "editor"]
    search_fields = ["narrative_zh", "narrative_en", "recommendation__report__slug", "position__report__slug"]
    autocomplete_fields = ["recommendation", "position"]
    fieldsets = [
        (
            None,
            {
                "description": _(
                    "What happened later to a recommendation or to a forecast, one of the two, with the source that "
                    "says so."
                ),
                "fields": [
                    "recommendation",
                    "position",
                    ("date", "status"),
                    ("narrative_zh", "narrative_en"),
                    "source_url",
                ],
            },
        )
    ]

    def report_of(self, obj):
        return (obj.recommendation or obj.position).report

    def save_model(self, request, obj, form, change):
        obj.editor = request.user
        super().save_model(request, obj, form, change)


# ---------------------------------------------------------------------------------------------------------------------
# Shared words
# ---------------------------------------------------------------------------------------------------------------------


@admin.register(Subject)
class TreeAdmin(NamedAdmin):
    more_fields = ["parent"]
    list_display = ["name_zh", "name_en", "parent", "slug"]
    list_select_related = ["parent"]
    autocomplete_fields = ["parent"]


@admin.register(PolicyArea)
class PolicyAreaAdmin(TreeAdmin):
    more_fields = ["parent", "events"]
    autocomplete_fields = ["parent", "events"]


class FilingInline(admin.TabularInline):
    """The areas under which an event is filed: whoever may enter the event may file it."""

    model = PolicyArea.events.through
    autocomplete_fields = ["policyarea"]
    extra = 1
    verbose_name, verbose_name_plural = _("policy area"), _("policy areas")

    def may_file(self, request, obj=None):
        return request.user.has_perm("reports.change_event" if obj else "reports.add_event")

    has_add_permission = has_change_permission = has_delete_permission = may_file


@admin.register(Event)
class EventAdmin(VocabularyAdmin):
    inlines = [FilingInline]
    prepopulated_fields = {"slug": ["title_en"]}
    list_display = ["title_zh", "title_en", "date", "date_end", "target"]
    list_filter = ["target"]
    search_fields = ["slug", "title_zh", "title_en", "date"]
    fieldsets = [
        (
            None,
            {
                "description": _(
                    "Anything dated that a text uses, with the precision that it gives. Goals and future years are "
                    "events too."
                ),
                "fields": [("title_zh", "title_en"), "slug", ("date", "date_end"), "target"],
            },
        )
    ]

    def users(self, objs):
        """That an event is filed under areas is its own affair, and goes with it."""
        return ()


@admin.register(Actor)
class ActorAdmin(NamedAdmin):
    more_fields = ["kind", ("institution", "author")]
    list_display = ["name_zh", "name_en", "kind", "institution", "author"]
    list_filter = ["kind"]
    list_select_related = ["institution", "author"]
    autocomplete_fields = ["institution", "author"]


@admin.register(Instrument)
class InstrumentAdmin(NamedAdmin):
    more_fields = ["kind"]
    list_display = ["name_zh", "name_en", "kind", "slug"]
    list_filter = ["kind"]


@admin.register(Question)
class QuestionAdmin(VocabularyAdmin):
    prepopulated_fields = {"slug": ["text_en"]}
    list_display = ["text_zh", "text_en", "kind", "outcome", "position_count"]
    list_filter = ["kind", "outcome"]
    ordering = ["slug"]
    search_fields = ["slug", "text_zh", "text_en"]
    autocomplete_fields = ["areas"]
    readonly_fields = ["position_count"]
    fieldsets = [
        (
            None,
            {
                "description": _(
                    "Worded neutrally, so that support and opposition are both thinkable; one question for the same "
                    "dispute in different documents. Make one when two documents or two holders speak to it, and for "
                    "every forecast whose outcome can be known."
                ),
                "fields": [("text_zh", "text_en"), "slug", "kind", "areas", "position_count"],
            },
        ),
        (
            _("What came of it"),
            {
                "description": _(
                    "For forecasts only: an outcome has a date and a source. It goes before what reports tell."
                ),
                "fields": [("outcome", "outcome_date"), "outcome_source"],
            },
        ),
    ]

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(positions_held=Count("positions"))

    @admin.display(description=_("positions"), ordering="positions_held")
    def position_count(self, obj):
        if obj.pk is None:
            return 0
        url = reverse("admin:recommendations_position_changelist")
        return format_html('<a href="{}?question__id__exact={}">{}</a>', url, obj.pk, obj.positions_held)


class DimensionInline(Bilingual, admin.StackedInline):
    model = Dimension
    extra = 1
    prepopulated_fields = {"slug": ["name_en"]}
    fields = [("name_zh", "name_en"), ("definition_zh", "definition_en"), ("slug", "order")]


@admin.register(Framework)
class FrameworkAdmin(VocabularyAdmin):
    inlines = [DimensionInline]
    prepopulated_fields = {"slug": ["title_en"]}
    list_display = ["title_zh", "title_en", "slug", "work"]
    list_select_related = ["work"]
    search_fields = ["slug", "title_zh", "title_en"]
    autocomplete_fields = ["work"]
    fieldsets = [
        (
            None,
            {
                "description": _("A way of rating things by named axes. Who rates belongs to the rating, not to it."),
                "fields": [("title_zh", "title_en"), "slug", ("description_zh", "description_en"), "work"],
            },
        )
    ]


@admin.register(Dimension)
class DimensionAdmin(VocabularyAdmin):
    list_display = ["name_zh", "name_en", "framework", "slug"]
    search_fields = ["slug", "name_zh", "name_en", "framework__title_zh", "framework__title_en"]
    autocomplete_fields = ["framework"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "framework",
                    ("name_zh", "name_en"),
                    ("definition_zh", "definition_en"),
                    ("slug", "order"),
                ],
            },
        )
    ]

    def get_queryset(self, request):
        """Its framework is in its name, in lists of choices too."""
        return super().get_queryset(request).select_related("framework")
