"""What the admin classes of both apps share: two languages side by side, protected deletion, steps taken one by one.

And the one admin class of the portal itself: the keys of its API.
"""

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.template.response import TemplateResponse
from django.utils.text import capfirst
from django.utils.timezone import localdate
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from portal import keys
from portal.editorial import MAY_PUBLISH, half_translated
from portal.index import renewed
from portal.models import ApiKey
from portal.text import LANGUAGE_TAGS

admin.site.site_title = _("Duizhao")
admin.site.site_header = _("Duizhao · editing")
admin.site.index_title = _("Work queue")

SHOWN_USERS = 20  # rows named on the page that says why something cannot be deleted


class LinesField(forms.CharField):
    """A list of words, edited one to a line."""

    widget = forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"})

    def prepare_value(self, value):
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value):
        return [line.strip() for line in (value or "").splitlines() if line.strip()]

    def has_changed(self, initial, data):
        return (initial or []) != self.to_python(data)


class MissingTranslation(admin.SimpleListFilter):
    """Rows in which some text stands in one language only."""

    title = _("translation")
    parameter_name = "translation"

    def lookups(self, request, model_admin):
        return [("missing", _("missing in one language"))]

    def queryset(self, request, queryset):
        return queryset.filter(half_translated(queryset.model)) if self.value() == "missing" else queryset


class Bilingual:
    """Options of pages and inlines: small text boxes that say which language belongs in them."""

    formfield_overrides = {
        models.TextField: {"widget": forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"})},
        models.URLField: {"assume_scheme": "https"},
    }

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        if isinstance(db_field, models.JSONField):
            help_text = _("One to a line, in any language.")
            return LinesField(label=capfirst(db_field.verbose_name), required=False, help_text=help_text)
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if isinstance(db_field, models.DateTimeField) and isinstance(field, forms.SplitDateTimeField):
            for widget, part in zip(field.widget.widgets, (gettext("date"), gettext("time")), strict=True):
                widget.attrs["aria-label"] = f"{field.label}: {part}"
        if field and (tag := LANGUAGE_TAGS.get(db_field.name.rpartition("_")[2])):
            field.widget.attrs["lang"] = tag
        return field


class EditorialAdmin(Bilingual, admin.ModelAdmin):
    """A page of the admin. Nothing that another row names is deleted, even where the database would just forget it."""

    show_facets = admin.ShowFacets.ALWAYS
    list_per_page = 50

    def get_form(self, request, obj=None, change=False, **kwargs):
        """The form class of a request knows its user."""
        form = super().get_form(request, obj, change, **kwargs)
        form.user = request.user
        return form

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        """As Django's; what readers see changes with its index, or not at all."""
        if request.method != "POST":
            return super().changeform_view(request, object_id, form_url, extra_context)
        held = self.get_object(request, unquote(object_id)) if object_id else None
        with renewed(*filter(None, [held])) as request.rows_renewed:
            return super().changeform_view(request, object_id, form_url, extra_context)

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        request.rows_renewed.append(form.instance)

    def delete_model(self, request, obj):
        with renewed(self.model(pk=obj.pk)):
            super().delete_model(request, obj)

    def delete_queryset(self, request, queryset):
        with renewed(*queryset):
            super().delete_queryset(request, queryset)

    def has_publish_permission(self, request):
        return request.user.has_perm(MAY_PUBLISH)

    def record(self, request, row):
        """Note on a row who changes its state; called before it is saved."""

    def get_deleted_objects(self, objs, request):
        """As Django's, and `protected` also names the rows whose mention of an object would silently go with it."""
        to_delete, counts, perms_needed, protected = super().get_deleted_objects(objs, request)
        return to_delete, counts, perms_needed, [*protected, *self.users(objs)]

    def users(self, objs):
        """Name rows that refer to these in a many-to-many relation, or in a reference that deletion would empty."""
        for relation in self.opts.related_objects:
            if relation.many_to_many or relation.on_delete is models.SET_NULL:
                name = capfirst(relation.related_model._meta.verbose_name)
                rows = relation.related_model._default_manager.filter(**{f"{relation.field.name}__in": objs})
                yield from (f"{name}: {row}" for row in rows.distinct()[:SHOWN_USERS])


class VocabularyAdmin(EditorialAdmin):
    """A word that documents share. Coders add, editors change; the slug is fixed once the row is saved."""

    prepopulated_fields = {"slug": ["name_en"]}

    def get_readonly_fields(self, request, obj=None):
        return [*super().get_readonly_fields(request, obj), *(["slug"] if obj else [])]

    def get_prepopulated_fields(self, request, obj=None):
        return {} if obj else super().get_prepopulated_fields(request, obj)


class NamedAdmin(VocabularyAdmin):
    """A thing with a name in both languages, found by either name, other names, pinyin and initials."""

    more_fields = []
    list_display = ["name_zh", "name_en", "slug"]
    search_fields = ["slug", "name_index"]
    search_help_text = _("Names in either language, other names, pinyin or initials.")

    def get_fieldsets(self, request, obj=None):
        return [
            (None, {"fields": [("name_zh", "name_en"), "slug", *self.more_fields]}),
            (_("Looking it up"), {"fields": ["aliases", "sort_key"]}),
        ]


def step(name, description, sources, target, permission):
    """Return an admin action that moves rows whose state is in `sources` to `target`, one by one, once confirmed.

    The first request shows what will happen to each row; the second does it.
    """

    @admin.action(description=description, permissions=[permission])
    def action(modeladmin, request, queryset):
        pks, label = list(queryset.values_list("pk", flat=True)), modeladmin.model.State(target).label
        if "confirmed" in request.POST:
            done = sum(take_step(modeladmin, request, pk, sources, target) for pk in pks)
            said = gettext("%(done)d of %(all)d are now: %(state)s.") % {"done": done, "all": len(pks), "state": label}
            return modeladmin.message_user(request, said, messages.SUCCESS if done else messages.WARNING)
        rows = [(row, can_step(modeladmin, request, row, sources)) for row in queryset]
        context = {
            **modeladmin.admin_site.each_context(request),
            "title": description,
            "opts": modeladmin.opts,
            "action": name,
            "rows": rows,
            "possible": any(possible for row, possible in rows),
            "target": label,
            "checkbox": helpers.ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/confirm_step.html", context)

    action.__name__ = name
    return action


def can_step(modeladmin, request, row, sources):
    """Tell whether this user may take this row out of its state by this step."""
    return row.state in sources and modeladmin.has_change_permission(request, row)


def take_step(modeladmin, request, pk, sources, target):
    """Move one row, read afresh, in a transaction of its own. Returns whether it moved; a faulty row is named."""
    with renewed(modeladmin.model(pk=pk)):
        row = modeladmin.model.objects.select_for_update().get(pk=pk)
        if not can_step(modeladmin, request, row, sources):
            return False
        before, row.state = row.get_state_display(), target
        try:
            row.full_clean()
        except ValidationError as error:
            modeladmin.message_user(request, f"{row}: {' '.join(error.messages)}", messages.ERROR)
            return False
        modeladmin.record(request, row)
        row.save()
        modeladmin.log_change(request, row, f"{before} → {row.get_state_display()}")
    return True


# ---------------------------------------------------------------------------------------------------------------------
# Keys of the API
# ---------------------------------------------------------------------------------------------------------------------


class KeyState(admin.SimpleListFilter):
    """Keys that may be used now, that have expired, that were revoked."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return ApiKey.State.choices

    def queryset(self, request, queryset):
        return queryset.in_state(self.value()) if self.value() in ApiKey.State else queryset


@admin.register(ApiKey)
class ApiKeyAdmin(Bilingual, admin.ModelAdmin):
    """A key is made, shown once, looked at and revoked; it is never changed and never deleted."""

    SHOWN_DAYS = 30

    show_facets = admin.ShowFacets.ALWAYS
    list_display = ["prefix", "owner", "state_shown", "rate", "recent", "last_used", "issued"]
    list_filter = [KeyState]
    search_fields = ["prefix", "owner", "note"]
    actions = ["revoke"]
    fields = ["owner", "note", "rate", "expires_at"]
    made = ["prefix", "state_shown", "created_at", "created_by", "revoked_at"]
    description = _(
        "A key raises the limit of the API for whoever sends it, and opens nothing else. It is shown once, right after "
        "it is made; only a digest of it is kept, so a lost key is revoked and a new one made."
    )

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def has_revoke_permission(self, request):
        return request.user.has_perm("portal.change_apikey")

    @admin.display(description=_("last used"), ordering="last_used")
    def last_used(self, obj):
        return obj.last_used and obj.last_used.isoformat()

    @admin.display(description=_("issued"), ordering="created_at")
    def issued(self, obj):
        return localdate(obj.created_at).isoformat()

    @admin.display(description=_("requests in 30 days"), ordering="recent")
    def recent(self, obj):
        return obj.recent

    @admin.display(description=_("state"))
    def state_shown(self, obj):
        return obj.get_state_display()

    def get_queryset(self, request):
        return super().get_queryset(request).with_use(self.SHOWN_DAYS)

    def get_fieldsets(self, request, obj=None):
        """What is filled in, and of a key that is there how it was made and ended."""
        if obj:
            return [(None, {"fields": [*self.made, *self.fields]})]
        return [(None, {"description": self.description, "fields": self.fields})]

    def changelist_view(self, request, extra_context=None):
        for pk in ApiKey.objects.values_list("pk", flat=True):
            keys.flush(pk)
        return super().changelist_view(request, extra_context)

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """The page of a key, with its use by day; whoever may revoke it has a button that asks once more."""
        key = self.get_object(request, object_id)
        if key:
            keys.flush(key.pk)
            context = {
                "uses": key.uses.all()[: self.SHOWN_DAYS],
                "can_revoke": self.has_revoke_permission(request) and key.revoked_at is None,
                "checkbox": helpers.ACTION_CHECKBOX_NAME,
            }
            extra_context = context | (extra_context or {})
        return super().change_view(request, object_id, form_url, extra_context)

    def add_view(self, request, form_url="", extra_context=None):
        """One key at a time: after it is saved, it is shown."""
        single = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().add_view(request, form_url, single | (extra_context or {}))

    def save_model(self, request, obj, form, change):
        obj.created_by = request.user
        obj.shown_once = keys.issue(obj)
        super().save_model(request, obj, form, change)

    def response_add(self, request, obj, post_url_continue=None):
        """Show the key in the answer to the form itself: it stands in no address, message or session."""
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("The key of %(owner)s") % {"owner": obj.owner},
            "opts": self.opts,
            "row": obj,
            "key": obj.shown_once,
        }
        return TemplateResponse(request, "admin/portal/apikey/shown_once.html", context)

    @admin.action(description=_("Revoke"), permissions=["revoke"])
    def revoke(self, request, queryset):
        """End keys for good; the first request asks, the second does it."""
        if "confirmed" in request.POST:
            with transaction.atomic():
                revoked = [key for key in queryset if key.revoke()]
                for key in revoked:
                    self.log_change(request, key, gettext("Revoked."))
            said = ngettext("%(count)d key is revoked.", "%(count)d keys are revoked.", len(revoked))
            return self.message_user(
                request, said % {"count": len(revoked)}, messages.SUCCESS if revoked else messages.WARNING
            )
        rows = [(key, key.revoked_at is None) for key in queryset]
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Revoke keys for good"),
            "opts": self.opts,
            "action": "revoke",
            "rows": rows,
            "possible": any(possible for key, possible in rows),
            "target": ApiKey.State.REVOKED.label,
            "checkbox": helpers.ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/confirm_step.html", context)
