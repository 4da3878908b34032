"""Reports in the admin: publications with their contributors, the places in their texts, and the words they share.

Coders work on what is not out: neither a published or scheduled report nor a row of one is theirs to change.
"""

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Max
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from portal.admin import Bilingual, EditorialAdmin, MissingTranslation, NamedAdmin, VocabularyAdmin, step
from portal.editorial import MAY_PUBLISH
from portal.text import SPAN_MAX, SPAN_MIN, occurrences, squeeze
from reports.models import (
    Author,
    Citation,
    Contribution,
    Institution,
    Mention,
    Passage,
    Report,
    Section,
    SourceText,
    Work,
)

State = Report.State
LOCKED = (State.PUBLISHED, State.SCHEDULED)
EARLY = (State.DRAFT, State.IN_REVIEW)


# ---------------------------------------------------------------------------------------------------------------------
# Rules
# ---------------------------------------------------------------------------------------------------------------------


def may_change(user, report):
    """Publishers change every report and its rows; others only while it is neither published nor scheduled."""
    return user.has_perm(MAY_PUBLISH) or report.state not in LOCKED


def allowed_states(user, state):
    """States to choose from. Coders go as far as *in review*; what has left the desk never becomes a draft again."""
    if user.has_perm(MAY_PUBLISH):
        return [s for s in State if state in EARLY or s != State.DRAFT]
    return EARLY if state in EARLY else [state]


def report_of(row):
    """The report that a row belongs to; a report belongs to itself."""
    return row if isinstance(row, Report) else row.report


def next_key(rows, letter):
    """Return the key after the highest in `rows`: R08 after R07; s3 after s2, for the lower-case letter of sections."""
    keys = rows.filter(key__startswith=letter).values_list("key", flat=True)
    number = max((int(key[1:]) for key in keys if key[1:].isdecimal()), default=0) + 1
    return f"{letter}{number}" if letter.islower() else f"{letter}{number:02d}"


def next_order(rows, field="order"):
    """Return the order after the highest in `rows`, 0 for the first."""
    highest = rows.aggregate(highest=Max(field))["highest"]
    return 0 if highest is None else highest + 1


def locate(quotation, report, which=None):
    """Return (start, end) of a quotation in a report, in squeezed offsets; `which` counts its occurrences from 1.

    Raises ValidationError when the text is not held, or the quotation is too short or long, absent, or ambiguous.
    """
    fragment, text, (low, high) = squeeze(quotation), report.squeezed, report.extent
    if text is None:
        raise ValidationError(
            _("The source text is not held, so a quotation cannot be looked up. Type its place below instead."),
            "not_held",
        )
    if not SPAN_MIN <= len(fragment) <= SPAN_MAX:
        raise ValidationError(
            _("A quotation has %(low)d to %(high)d characters without blanks; this one has %(count)d."),
            "length",
            {"low": SPAN_MIN, "high": SPAN_MAX, "count": len(fragment)},
        )
    found = occurrences(fragment, text.squeezed, low, high)
    if not found:
        raise ValidationError(_("These words do not occur in the text of this report."), "absent")
    if which is None and len(found) > 1:
        raise ValidationError(
            _("These words occur %(count)d times. Quote more of the sentence, or say which occurrence is meant."),
            "repeated",
            {"count": len(found)},
        )
    if (which or 1) > len(found):
        raise ValidationError(
            ngettext("These words occur only once.", "These words occur only %(count)d times.", len(found)),
            "occurrence",
            {"count": len(found)},
        )
    start = found[(which or 1) - 1]
    return start, start + len(fragment)


def prove(start, end, digest, report):
    """Raise ValidationError where a typed place lies outside a report, or its held text reads otherwise there."""
    low, high = report.extent
    if start < low or high is not None and end > high:
        raise ValidationError(_("This place lies outside the report."), "outside")
    if report.squeezed is not None and report.squeezed.digest(start, end) != digest:
        raise ValidationError(_("The text reads otherwise at this place than the digest says."), "digest")


# ---------------------------------------------------------------------------------------------------------------------
# Forms
# ---------------------------------------------------------------------------------------------------------------------


class RowForm(forms.ModelForm):
    """A row of a report. Left empty, its key and order are the next free ones.

    `owners` are the fields that say whose row it is: one chosen anew must be open to the user. A ModelAdmin sets `user`
    on the class that it makes for a request; a formset gives `of_report`.
    """

    user = None
    letter = ""
    owners = ["report"]

    def __init__(self, *args, of_report=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.of_report = of_report
        for name in {"key", "order"} & self.fields.keys():
            self.fields[name].required = False
            if self.instance._state.adding:
                self.fields[name].initial = None

    @property
    def report(self):
        """The report of the row, or None as long as none is chosen."""
        if self.of_report is None and getattr(self.instance, "report_id", None):
            return self.instance.report
        return self.of_report or self.cleaned_data.get("report")

    def clean(self):
        data = super().clean() or self.cleaned_data
        for name in self.owners:
            owner = data.get(name) if name in self.changed_data else None
            if owner and not may_change(self.user, report_of(owner)):
                self.add_error(name, _("That report is published or scheduled: only an editor changes what is in it."))
        self.fill()
        return data

    def fill(self):
        """Fill an empty key and order."""
        data, report = self.cleaned_data, self.report
        for name, empty in (("key", ""), ("order", None)):
            if report and data.get(name, self) == empty:
                rows = self._meta.model.objects.filter(report=report.pk)
                data[name] = next_key(rows, self.letter) if name == "key" else next_order(rows)


class RowFormSet(forms.BaseInlineFormSet):
    """Rows on the page of a report, or of one of its rows: each form knows the report."""

    def get_form_kwargs(self, index):
        known = isinstance(self.instance, Report) or self.instance.report_id
        return super().get_form_kwargs(index) | {"of_report": report_of(self.instance) if known else None}


class SpanForm(RowForm):
    """A row that says where it stands. A pasted quotation is looked up; the offsets follow from it.

    A place typed by hand must prove itself where the text is held. Rows saved earlier show their quotation, which can
    no longer be changed unless it is broken.
    """

    needs_place = True

    quotation = forms.CharField(
        label=_("Quotation"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField", "lang": "zh-Hans"}),
        help_text=_(
            "Where it is written: paste a clause of 12 to 60 characters of the source, unchanged, one that stands "
            "there only once. Blanks and line breaks do not matter."
        ),
    )
    occurrence = forms.IntegerField(
        label=_("Which occurrence"),
        required=False,
        min_value=1,
        widget=forms.NumberInput(attrs={"class": "vSmallField"}),
        help_text=_("Only where the same words stand there more than once: 1 for the first, 2 for the second."),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name in {"start", "end", "digest"} & self.fields.keys():
            self.fields[name].required = False
        if "start" in self.fields and not self.instance._state.adding and self.instance.start is not None:
            self.show_quotation()

    def show_quotation(self):
        """Show the words at the stored place; only a broken place may be mended by another quotation."""
        text, start, end = self.report.squeezed, self.instance.start, self.instance.end
        field = self.fields["quotation"]
        if text is None:
            field.help_text = _("The source text is not held, so the quotation cannot be shown.")
        elif text.digest(start, end) != self.instance.digest:
            field.help_text = _("Broken: the text reads otherwise here than the digest says. Paste the quotation anew.")
            return
        else:
            self.initial["quotation"] = text.slice(start, end)
            field.help_text = ""
        field.disabled = self.fields["occurrence"].disabled = True

    def clean(self):
        data = super().clean()
        if self.report and self.has_changed():
            try:
                self.place()
            except ValidationError as error:
                self.add_error("quotation", error)
        return data

    def place(self):
        """Set start, end and digest from the quotation, or check those that were typed."""
        data = self.cleaned_data
        if data.get("quotation") and not self.fields["quotation"].disabled:
            start, end = locate(data["quotation"], self.report, data.get("occurrence"))
            data |= {"start": start, "end": end, "digest": self.report.squeezed.digest(start, end)}
        elif data.get("start") is not None and data.get("end") is not None and data.get("digest"):
            prove(data["start"], data["end"], data["digest"], self.report)
        elif self.needs_place or data.get("start") is not None or data.get("end") is not None or data.get("digest"):
            raise ValidationError(_("Paste a quotation, or type start, end and digest."), "required")


class ReportForm(forms.ModelForm):
    user = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "state" in self.fields:
            allowed = allowed_states(self.user, self.instance.state)
            self.fields["state"].choices = [(s, State(s).label) for s in allowed]

    def clean(self):
        data = super().clean() or self.cleaned_data
        whole = data.get("part_of")
        if whole and "part_of" in self.changed_data and not may_change(self.user, whole):
            self.add_error("part_of", _("That report is published or scheduled: only an editor changes what is in it."))
        if whole and data.get("place", self) is None:
            data["place"] = next_order(whole.parts, "place")
        if "source_text" in self.changed_data:
            self.check_source(data.get("source_text"))
        return data

    def check_source(self, source):
        """Take over file name and hash of a source chosen anew. A report coded from another file keeps that one."""
        of_report = ("sections", "citations", "mentions", "recommendations", "positions", "ratings")
        coded = self.instance.pk and any(getattr(self.instance, name).exists() for name in of_report)
        if source and coded and self.instance.source_sha256 not in ("", source.sha256):
            self.add_error("source_text", _("This report was coded from another file; its evidence would not hold."))
        elif source:
            self.instance.source_sha256, self.instance.source_file = source.sha256, source.file_name


# ---------------------------------------------------------------------------------------------------------------------
# Shared declarations
# ---------------------------------------------------------------------------------------------------------------------


class OfOneReport(admin.SimpleListFilter):
    """The rows of one report, chosen by a link from its page; there is no list of all reports to pick from."""

    title = _("report")
    parameter_name = "report"

    def lookups(self, request, model_admin):
        return Report.objects.filter(slug=self.value()).values_list("slug", "title_zh")

    def queryset(self, request, queryset):
        return queryset.filter(report__slug=self.value()) if self.value() else queryset


class RowAdmin(EditorialAdmin):
    """A row of a report: changed by whoever may change the report. It stays with its report, under its key."""

    form = RowForm
    fixed = ["report", "key"]  # once saved
    autocomplete_fields = ["report"]
    list_select_related = ["report"]
    list_filter = [OfOneReport]

    def get_readonly_fields(self, request, obj=None):
        fixed = [name for name in self.fixed if any(f.name == name for f in self.opts.fields)]
        return [*super().get_readonly_fields(request, obj), *(fixed if obj else [])]

    def report_of(self, obj):
        return obj.report

    def is_open(self, request, obj):
        return obj is None or may_change(request.user, self.report_of(obj))

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and self.is_open(request, obj)

    def has_delete_permission(self, request, obj=None):
        return super().has_delete_permission(request, obj) and self.is_open(request, obj)

    def get_view_on_site_url(self, obj=None):
        return super().get_view_on_site_url(obj) if obj and self.report_of(obj).is_public else None

    def response_add(self, request, obj, post_url_continue=None):
        """*Save and add another* goes on in the same report."""
        response = super().response_add(request, obj, post_url_continue)
        if "_addanother" in request.POST and hasattr(obj, "report_id"):
            return HttpResponseRedirect(f"{request.path}?report={obj.report_id}")
        return response


class Quoting:
    """Options of pages and inlines on rows with a place in the text, which know the report of a row (`report_of`)."""

    @admin.display(description=_("Quotation"))
    def quotation(self, obj):
        """The words at the stored place, for those who may look but not change."""
        text = self.report_of(obj).squeezed
        return text.slice(obj.start, obj.end) if text and obj.start is not None else None


class SpanAdmin(Quoting, RowAdmin):
    """A row with a place in the text, entered by its quotation."""


PLACE = (_("Place in the text"), {"classes": ["collapse"], "fields": ["start", "end", "digest"]})


class KnownChoices:
    """An autocomplete box that knows the labels of its values already, and so asks the database for none."""

    known = None

    def optgroups(self, name, value, attrs=None):
        if self.known is None:
            return super().optgroups(name, value, attrs)
        self.choices = self.known if self.allow_multiple_selected else [("", ""), *self.known]
        return forms.widgets.ChoiceWidget.optgroups(self, name, value, attrs)


class KnownSelect(KnownChoices, AutocompleteSelect):
    pass


class KnownSelectMultiple(KnownChoices, AutocompleteSelectMultiple):
    pass


# ---------------------------------------------------------------------------------------------------------------------
# Reports
# ---------------------------------------------------------------------------------------------------------------------


class ContributionForm(RowForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk and not self.is_bound:
            rows = {name: [getattr(self.instance, name)] for name in ("author", "institution")}
            rows["affiliations"] = self.instance.affiliations.all()
            for name in rows.keys() & self.fields.keys():
                self.fields[name].widget.widget.known = [(row.pk, str(row)) for row in rows[name] if row]


CONTRIBUTION = [
    (None, {"fields": [("author", "institution"), ("role", "delegation"), "affiliations"]}),
    (
        _("As printed, order and notes"),
        {
            "classes": ["collapse"],
            "fields": [
                "name_as_printed",
                ("affiliation_as_printed", "post_as_printed"),
                "order",
                ("note_zh", "note_en"),
            ],
        },
    ),
]


class ContributionInline(Bilingual, admin.StackedInline):
    model = Contribution
    form = ContributionForm
    formset = RowFormSet
    extra = 0
    autocomplete_fields = ["author", "institution", "affiliations"]
    fieldsets = CONTRIBUTION
    classes = ["collapse"]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("author", "institution").prefetch_related("affiliations")

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name in self.autocomplete_fields:
            kwargs["widget"] = KnownSelect(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        return super().formfield_for_manytomany(
            db_field, request, widget=KnownSelectMultiple(db_field, self.admin_site), **kwargs
        )


@admin.register(Report)
class ReportAdmin(EditorialAdmin):
    form = ReportForm
    inlines = [ContributionInline]
    list_display = ["title_zh", "title_en", "kind", "date", "state", "coding", "publisher"]
    list_filter = ["state", "coding", "kind", "date_kind", MissingTranslation]
    list_select_related = ["publisher"]
    search_fields = ["slug", "title_zh", "title_en", "contributions__author__name_index", "publisher__name_index"]
    search_help_text = _("Titles, slugs, and the names of authors and publishers in either language or pinyin.")
    autocomplete_fields = ["publisher", "part_of", "source_text"]
    prepopulated_fields = {"slug": ["title_en"]}
    readonly_fields = ["source_file", "source_sha256"]
    actions = [
        step("send_to_review", _("Send to review"), [State.DRAFT], State.IN_REVIEW, "change"),
        step("publish", _("Publish"), [s for s in State if s != State.PUBLISHED], State.PUBLISHED, "publish"),
        step("withdraw", _("Withdraw"), LOCKED, State.WITHDRAWN, "publish"),
    ]
    fieldsets = [
        (
            None,
            {
                "description": _(
                    "One row for each publication; an essay in a symposium is a row of its own that is part of the "
                    "whole. Nothing that the text does not state: an unknown date, journal or author stays empty and "
                    "a note says why. The standfirst is in our own words."
                ),
                "fields": [
                    ("title_zh", "title_en"),
                    ("standfirst_zh", "standfirst_en"),
                    "slug",
                    ("kind", "language"),
                ],
            },
        ),
        (
            _("State"),
            {
                "description": _(
                    "Readers see a report once it is published or its time has come. Coding is complete only when a "
                    "second pass has read the whole text: until then silence means “not yet coded”."
                ),
                "fields": [("state", "coding"), "publish_at"],
            },
        ),
        (
            _("Where and when it appeared"),
            {
                "description": _(
                    "The date as precisely as the text gives it, and what it is: a cover date is not the date under "
                    "the text, nor the day on which it was put online."
                ),
                "fields": [
                    ("publisher", "container"),
                    ("volume", "issue", "pages"),
                    ("date", "date_end", "date_kind"),
                    ("date_note_zh", "date_note_en"),
                    ("source_url", "doi"),
                ],
            },
        ),
        (
            _("Part of a whole"),
            {
                "description": _("Left empty, the place is the next one."),
                "classes": ["collapse"],
                "fields": ["part_of", "place"],
            },
        ),
        (
            _("Source text"),
            {
                "description": _(
                    "The text enters by the command ingest; choose it here. An essay is one stretch of a longer file."
                ),
                "classes": ["collapse"],
                "fields": ["source_text", "source_start", "source_end", "source_file", "source_sha256"],
            },
        ),
        (_("Note on the title"), {"classes": ["collapse"], "fields": [("title_note_zh", "title_note_en")]}),
    ]

    def get_actions(self, request):
        """Reports are deleted one at a time, not in bulk."""
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    def get_readonly_fields(self, request, obj=None):
        """The address is fixed once readers may have seen it; only publishers set the hour."""
        fixed = ["slug"] if obj and obj.state not in EARLY else []
        return [*self.readonly_fields, *fixed, *([] if self.has_publish_permission(request) else ["publish_at"])]

    def get_prepopulated_fields(self, request, obj=None):
        return {} if obj else self.prepopulated_fields

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and (obj is None or may_change(request.user, obj))

    def has_delete_permission(self, request, obj=None):
        """Only drafts are deleted. What has been out is withdrawn."""
        return super().has_delete_permission(request, obj) and (obj is None or obj.state == State.DRAFT)

    def get_view_on_site_url(self, obj=None):
        return super().get_view_on_site_url(obj) if obj and obj.is_public else None

    def get_deleted_objects(self, objs, request):
        """Passages go with the report that may be deleted, though nobody may delete one by itself."""
        to_delete, counts, perms_needed, protected = super().get_deleted_objects(objs, request)
        return to_delete, counts, perms_needed - {Passage._meta.verbose_name}, protected

    def change_view(self, request, object_id, form_url="", extra_context=None):
        report = self.get_object(request, object_id)
        rows = self.rows(request, report) if report else []
        return super().change_view(request, object_id, form_url, {"rows_of_report": rows} | (extra_context or {}))

    def rows(self, request, report):
        """What hangs on a report, beside its contributors: name, number, and the ways to the list and to a new one."""
        open_to_user = may_change(request.user, report)
        inline = {inline.model for inline in self.inlines}
        found = []
        for relation in Report._meta.related_objects:
            model, site = relation.related_model, self.admin_site
            if relation.on_delete is not models.CASCADE or model in inline or not site.is_registered(model):
                continue
            page = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            can_add = open_to_user and site.get_model_admin(model).has_add_permission(request)
            found.append(
                {
                    "name": capfirst(model._meta.verbose_name_plural),
                    "one": model._meta.verbose_name,
                    "count": model.objects.filter(report=report).count(),
                    "list": f"{reverse(f'{page}_changelist')}?report={report.slug}",
                    "add": f"{reverse(f'{page}_add')}?report={report.pk}" if can_add else None,
                }
            )
        return found


@admin.register(Contribution)
class ContributionAdmin(RowAdmin):
    form = RowForm
    fieldsets = [
        (
            None,
            {
                "description": _(
                    "One row for each person or body and each role: an author or an institution, one of the two. The "
                    "delegation is the side of the table, not the country of the employer."
                ),
                "fields": ["report"],
            },
        ),
        *CONTRIBUTION,
    ]
    autocomplete_fields = ["report", "author", "institution", "affiliations"]
    list_display = ["contributor", "role", "delegation", "affiliation_as_printed", "report"]
    list_filter = [OfOneReport, "role", "delegation", "report__state", MissingTranslation]
    list_select_related = ["report", "author", "institution"]
    search_fields = ["author__name_index", "institution__name_index", "name_as_printed", "affiliation_as_printed"]


# ---------------------------------------------------------------------------------------------------------------------
# The text
# ---------------------------------------------------------------------------------------------------------------------


class ReadOnlyAdmin(EditorialAdmin):
    """What comes in through ingest and is looked at only."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(SourceText)
class SourceTextAdmin(ReadOnlyAdmin):
    list_display = ["file_name", "short_hash", "extractor", "added_at"]
    list_filter = ["extractor"]
    search_fields = ["file_name", "sha256"]
    fieldsets = [
        (
            None,
            {
                "description": _("Texts enter by the command ingest; they are not typed or changed here."),
                "fields": ["file_name", "sha256", "extractor", "added_at"],
            },
        ),
        (_("Text"), {"classes": ["collapse"], "fields": ["text"]}),
    ]

    @admin.display(description="SHA-256", ordering="sha256")
    def short_hash(self, obj):
        return obj.sha256[:12]

    def get_queryset(self, request):
        return super().get_queryset(request).defer("text")


@admin.register(Passage)
class PassageAdmin(ReadOnlyAdmin):
    list_display = ["number", "report", "section", "beginning"]
    list_filter = [OfOneReport]
    list_select_related = ["report", "section"]
    search_fields = ["text"]
    fields = ["report", "section", "number", "text", "start", "end"]

    @admin.display(description=_("text"))
    def beginning(self, obj):
        return f"{obj.text[:60]}…" if len(obj.text) > 60 else obj.text


class SectionForm(RowForm):
    letter = "s"


@admin.register(Section)
class SectionAdmin(RowAdmin):
    form = SectionForm
    list_display = ["key", "heading_zh", "heading_en", "report"]
    list_filter = [OfOneReport, "report__state"]
    search_fields = ["heading_zh", "heading_en", "report__slug"]
    autocomplete_fields = ["report", "parent"]
    fieldsets = [
        (
            None,
            {
                "description": _(
                    "A heading and the stretch of text under it, in characters without blanks; an inner section lies "
                    "within its parent. Words such as 第一 and 首先 inside a paragraph are no headings."
                ),
                "fields": ["report", ("heading_zh", "heading_en"), "parent", "key", "start", "end"],
            },
        )
    ]


class CitationForm(SpanForm):
    letter = "N"
    needs_place = False


@admin.register(Citation)
class CitationAdmin(SpanAdmin):
    form = CitationForm
    list_display = ["key", "mark", "kind", "work", "report"]
    list_filter = [OfOneReport, "kind", "report__state", MissingTranslation]
    list_select_related = ["report", "work"]
    search_fields = ["key", "mark", "work__title_zh", "work__title_en", "report__slug"]
    autocomplete_fields = ["report", "work"]
    fieldsets = [
        (
            None,
            {
                "description": _(
                    "Every note or bracketed reference, even where only its number survives. Notes by or on the author "
                    "are no cited works. Quote the words before the mark; a citation without a recorded place has none."
                ),
                "fields": ["report", ("mark", "kind"), ("work", "locator"), "quotation", "occurrence"],
            },
        ),
        PLACE,
        (_("Key, order and notes"), {"classes": ["collapse"], "fields": ["key", "order", ("note_zh", "note_en")]}),
    ]


@admin.register(Mention)
class MentionAdmin(SpanAdmin):
    form = SpanForm
    list_display = ["event", "as_printed", "report"]
    list_filter = [OfOneReport, "report__state", MissingTranslation]
    list_select_related = ["report", "event"]
    search_fields = ["event__title_zh", "event__title_en", "event__slug", "as_printed", "report__slug"]
    autocomplete_fields = ["report", "event"]
    fieldsets = [
        (
            None,
            {
                "description": _(
                    "One place where a report mentions a dated happening. What is printed wrongly is kept as printed "
                    "and flagged in the note, not mended."
                ),
                "fields": ["report", "event", "quotation", "occurrence", "as_printed", ("note_zh", "note_en")],
            },
        ),
        PLACE,
    ]


# ---------------------------------------------------------------------------------------------------------------------
# Shared words
# ---------------------------------------------------------------------------------------------------------------------


@admin.register(Institution)
class InstitutionAdmin(NamedAdmin):
    more_fields = [("kind", "country")]
    list_display = ["name_zh", "name_en", "kind", "country", "slug"]
    list_filter = ["kind", "country"]


@admin.register(Author)
class AuthorAdmin(NamedAdmin):
    list_display = ["name_zh", "name_en", "sort_key", "slug"]


@admin.register(Work)
class WorkAdmin(VocabularyAdmin):
    prepopulated_fields = {"slug": ["title_en"]}
    list_display = ["title_zh", "title_en", "authors", "date", "report"]
    list_filter = ["language"]
    list_select_related = ["report"]
    search_fields = ["slug", "title_zh", "title_en", "authors", "container"]
    autocomplete_fields = ["people", "report"]
    fieldsets = [
        (
            None,
            {
                "description": _("A cited work is one row, however often and in however many reports it is cited."),
                "fields": [
                    ("title_zh", "title_en"),
                    "slug",
                    ("authors", "container"),
                    "people",
                    ("date", "language"),
                    "url",
                    "report",
                ],
            },
        )
    ]
