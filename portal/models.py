"""Abstract bases that the apps share: a named thing, and a span of a source text."""

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator, validate_slug
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from portal.fields import KeyField
from portal.text import DIGEST_LENGTH, SPAN_MAX, SPAN_MIN, name_index, pinyin


class SlugQuerySet(models.QuerySet):
    """Rows whose natural key is their slug."""

    def get_by_natural_key(self, slug):
        return self.get(slug=slug)


class Named(models.Model):
    """Something with a slug and a name in both languages. `sort_key` is pinyin; an editor may override it (曾 Zeng)."""

    slug = KeyField(
        _("slug"),
        max_length=100,
        unique=True,
        validators=[validate_slug],
        help_text=_("The word that stands in addresses. It never changes once published."),
    )
    name_zh = models.CharField(_("name (Chinese)"), max_length=200)
    name_en = models.CharField(_("name (English)"), max_length=200)
    aliases = models.JSONField(
        _("other names"),
        default=list,
        blank=True,
        help_text=_("A list of other names and spellings, in any language."),
    )
    sort_key = KeyField(
        _("sort key"),
        max_length=200,
        blank=True,
        help_text=_("Pinyin, family name first. Left empty, it is made from the Chinese name."),
    )
    name_index = models.TextField(editable=False, default="")

    class Meta:
        abstract = True
        ordering = ["sort_key", "slug"]

    def __str__(self):
        return f"{self.name_zh} · {self.name_en}" if self.name_zh != self.name_en else self.name_zh

    def save(self, *args, **kwargs):
        self.derive()
        if (fields := kwargs.get("update_fields")) is not None:
            kwargs["update_fields"] = {*fields, "sort_key", "name_index"}
        super().save(*args, **kwargs)

    def clean(self):
        super().clean()
        if not isinstance(self.aliases, list) or not all(isinstance(a, str) and a.strip() for a in self.aliases):
            raise ValidationError({"aliases": _('Other names are a list of words, for example ["WHO", "世卫组织"].')})

    def natural_key(self):
        return (self.slug,)

    def derive(self):
        """Fill the columns that follow from the names."""
        self.sort_key = self.sort_key or pinyin(self.name_zh)
        self.name_index = name_index(self.name_zh, self.name_en, *self.aliases, self.sort_key)


class Span(models.Model):
    """A place in a source text: squeezed offsets, and the digest that proves them (see portal.text)."""

    start = models.PositiveIntegerField(_("start"), validators=[MinValueValidator(0)])
    end = models.PositiveIntegerField(_("end"))
    digest = models.CharField(_("digest"), max_length=DIGEST_LENGTH, validators=[RegexValidator(r"^[0-9a-f]{12}\Z")])

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(end__gte=F("start") + SPAN_MIN) & Q(end__lte=F("start") + SPAN_MAX),
                name="%(app_label)s_%(class)s_span_length",
                violation_error_message=_("A quotation has 12 to 60 characters."),
            )
        ]

    @property
    def selector(self):
        """The W3C text-position selector with its digest, as stored and served."""
        return {"start": self.start, "end": self.end, "digest": self.digest}
