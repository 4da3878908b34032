"""Reports in the admin: publications with their contributors, the places in their texts, and the words they share.

Coders work on what is not out: neither a published or scheduled report nor a row of one is theirs to change.
"""

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import ValidationError
from django.db import models, transaction
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
    Event,
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
        if self.of_report or not self.instance.report_id:
            return self.of_report or self.cleaned_data.get("report")
        return self.instance.report

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
        report = self.report
        rows = self._meta.model.objects.filter(report=report if report and report.pk else None)
        if report and self.cleaned_data.get("key", self) in ("", None):
            self.cleaned_data["key"] = next_key(rows, self.letter)
        if self.cleaned_data.get("order", self) is None:
            self.cleaned_data["order"] = next_order(rows)


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
    owners = []

    quotation = forms.CharField(
        label=_("Quotation"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField", "lang": "zh-Hans"}),
        help_text=_("Paste 12 to 60 characters of the source, unchanged. Blanks and line breaks do not matter."),
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
        for name in ("start", "end", "digest"):
            self.fields[name].required = False
        if not self.instance._state.adding and self.instance.start is not None:
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
        coded_from = self.instance.source_sha256
        if source and coded_from and coded_from != source.sha256:
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

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change, **kwargs)
        form.user = request.user
        return form

    def get_readonly_fields(self, request, obj=None):
        fixed = [name for name in self.fixed if any(f.name == name for f in self.opts.fields)]
        return [*super().get_readonly_fields(request, obj), *(fixed if obj else [])]

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and (obj is None or may_change(request.user, report_of(obj)))

    def has_delete_permission(self, request, obj=None):
        return super().has_delete_permission(request, obj) and (obj is None or may_change(request.user, report_of(obj)))

    def get_view_on_site_url(self, obj=None):
        return super().get_view_on_site_url(obj) if obj and report_of(obj).is_public else None

    def response_add(self, request, obj, post_url_continue=None):
        """*Save and add another* goes on in the same report."""
        response = super().response_add(request, obj, post_url_continue)
        if "_addanother" in request.POST and hasattr(obj, "report_id"):
            return HttpResponseRedirect(f"{request.path}?report={obj.report_id}")
        return response


class SpanAdmin(RowAdmin):
    """A row with a place in the text, entered by its quotation."""

    list_select_related = ["report__source_text"]

    def get_queryset(self, request):
        return super().get_queryset(request).defer("report__source_text__text")


PLACE = (_("Place in the text"), {"classes": ["collapse"], "fields": ["start", "end", "digest"]})


class KnownSelect(AutocompleteSelect):
    """An autocomplete box that knows the label of its value already, and so asks the database for none."""

    known = None

    def optgroups(self, name, value, attrs=None):
        if self.known is None:
            return super().optgroups(name, value, attrs)
        self.choices = [("", ""), *self.known]
        return forms.Select.optgroups(self, name, value, attrs)


class KnownSelectMultiple(AutocompleteSelectMultiple):
    known = None

    def optgroups(self, name, value, attrs=None):
        if self.known is None:
            return super().optgroups(name, value, attrs)
        self.choices = self.known
        return forms.SelectMultiple.optgroups(self, name, value, attrs)
