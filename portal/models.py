"""Abstract bases that the apps share, a named thing and a span of a source text; and the keys of the API."""

from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator, validate_slug
from django.db import connection, models
from django.db.models import F, Max, Q, Sum, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.fields import KeyField, PartialDateField, TermsField, TokensField
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


class CorpusVersion(models.Model):
    """The number of the present state of everything public: one row, raised by whatever changes what readers see.

    Who changes it holds the row's lock until the end of the transaction, so that such changes come one after another.
    """

    number = models.PositiveBigIntegerField(default=0)
    changed_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)  # when the next scheduled report becomes public

    def __str__(self):
        return str(self.number)


class Kind(models.IntegerChoices):
    """What is listed. The number is part of an entry's place, so that it can never change."""

    REPORTS = 1
    PASSAGES = 2
    RECOMMENDATIONS = 3
    POSITIONS = 4
    RATINGS = 5
    CITATIONS = 6
    CROSSREFERENCES = 7
    QUESTIONS = 8
    AUTHORS = 9
    INSTITUTIONS = 10
    AREAS = 11
    ACTORS = 12
    INSTRUMENTS = 13
    SUBJECTS = 14
    FRAMEWORKS = 15
    WORKS = 16
    EVENTS = 17


class Term(models.Model):
    """What an entry may be filed under: a value of a facet, a word of a vocabulary or the primary key of a row."""

    id = models.AutoField(primary_key=True)
    facet = KeyField(max_length=20)
    value = KeyField(max_length=40)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["facet", "value"], name="term_unique")]

    def __str__(self):
        return f"{self.facet}={self.value}"


KIND_BITS = 58  # bits of a place to the right of the kind


class EntryQuerySet(models.QuerySet):
    def of_kind(self, kind):
        """Entries of a kind, by the stretch of places that it has: found and sorted by the primary key alone."""
        return self.filter(place__gte=int(kind) << KIND_BITS, place__lt=int(kind) + 1 << KIND_BITS)

    def of_kinds(self, kinds):
        """Entries of some kinds, by their stretches of places: a few kinds are few entries, whatever stands in them."""
        wanted = Q()
        for kind in kinds:
            wanted |= Q(place__gte=int(kind) << KIND_BITS, place__lt=int(kind) + 1 << KIND_BITS)
        return self.filter(wanted)

    def sought(self, kind):
        """Entries of a kind that other conditions find; PostgreSQL is kept from looking up all of the kind beside."""
        if connection.vendor == "postgresql":
            return self.alias(its_kind=F("kind") + 0).filter(its_kind=int(kind))  # no index has the sum
        return self.of_kind(kind)

    def by_name(self, kind):
        """Entries of a kind that are to be sorted by name, as the index of names has them."""
        return self.filter(kind=int(kind))


class Entry(models.Model):
    """What lists, facets and searches need of one public object, derived from it by `portal.index`.

    `place` sorts the entries of a kind as its list does by default, on every database alike. `head` words (a title, a
    name, a summary) carry more weight than the rest. `digest` tells whether the object would still give this entry.
    """

    place = models.BigIntegerField(primary_key=True)
    kind = models.PositiveSmallIntegerField(choices=Kind.choices)
    object_id = models.BigIntegerField()
    report_id = models.BigIntegerField(null=True)
    date = PartialDateField()
    date_end = PartialDateField()
    name = KeyField(max_length=330)
    number = models.FloatField(null=True)
    documents = models.PositiveIntegerField(default=0)
    terms = TermsField()
    tokens = TokensField(null=True)
    digest = models.CharField(max_length=16)

    objects = EntryQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "object_id"], name="entry_unique"),
            models.UniqueConstraint(fields=["kind", "name"], name="entry_name_unique"),
        ]
        indexes = [
            models.Index(fields=["report_id", "kind"], name="entry_report"),
            models.Index(fields=["kind", "number", "place"], condition=Q(number__isnull=False), name="entry_number"),
        ]

    def __str__(self):
        return f"{self.kind}/{self.object_id}"


class Posting(models.Model):
    """One term of one entry, the inverse of `Entry.terms`: what SQLite has in place of PostgreSQL's GIN index."""

    pk = models.CompositePrimaryKey("term", "place")
    term = models.IntegerField()
    place = models.BigIntegerField()

    def __str__(self):
        return f"{self.term}: {self.place}"


class Tally(models.Model):
    """How many entries of a kind are filed under a term, and under two terms at once; term 0 stands for any.

    Pairs are held both ways round, so that all that goes with one term stands together. A term of a facet of very many
    values (`portal.index.NARROW`) stands before the 0, any other behind it: so what is read of all entries is short.
    """

    pk = models.CompositePrimaryKey("kind", "term", "beside")
    kind = models.PositiveSmallIntegerField(choices=Kind.choices)
    term = models.IntegerField()
    beside = models.IntegerField()
    n = models.IntegerField()

    def __str__(self):
        return f"{self.kind}: {self.term} & {self.beside} = {self.n}"


# ---------------------------------------------------------------------------------------------------------------------
# Keys of the API
# ---------------------------------------------------------------------------------------------------------------------


class ApiKeyQuerySet(models.QuerySet):
    """Keys of the API."""

    def in_state(self, state):
        """Keys that are in this state now; the twin of `ApiKey.state`."""
        revoked, ended = Q(revoked_at__isnull=False), Q(expires_at__isnull=False, expires_at__lte=timezone.now())
        states = ApiKey.State
        return self.filter(
            {states.REVOKED: revoked, states.EXPIRED: ended & ~revoked, states.ACTIVE: ~ended & ~revoked}[state]
        )

    def with_use(self, days=30):
        """Add `last_used`, the latest day with a request or None, and `recent`, the requests of so many last days."""
        recent = Q(uses__day__gt=timezone.localdate() - timedelta(days))
        return self.annotate(
            last_used=Max("uses__day"), recent=Coalesce(Sum("uses__requests", filter=recent), Value(0))
        )


class ApiKey(models.Model):
    """Leave to ask the API more often. It changes nothing in what is seen.

    The key itself is not kept, only its SHA-256: it is 256 random bits (see portal.keys), which nobody can try out, so
    the slow hash that a password needs would protect nothing and cost every request its time.
    """

    RATE, RATE_MAX = 60_000, 10_000_000

    class State(models.TextChoices):
        ACTIVE = "active", _("active")
        EXPIRED = "expired", _("expired")
        REVOKED = "revoked", _("revoked")

    prefix = KeyField(_("prefix"), max_length=8, unique=True, editable=False)
    digest = models.CharField(_("digest"), max_length=64, editable=False)
    owner = models.CharField(_("owner"), max_length=200, help_text=_("Who uses the key, and how to reach them."))
    note = models.TextField(_("note"), blank=True, help_text=_("What it is for. Only editors see this."))
    rate = models.PositiveIntegerField(
        _("requests an hour"),
        default=RATE,
        validators=[MinValueValidator(1), MaxValueValidator(RATE_MAX)],
        help_text=_("How often the key may be used in one hour."),
    )
    created_at = models.DateTimeField(_("issued"), default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        verbose_name=_("issued by"),
        related_name="+",
        null=True,
        editable=False,
    )
    expires_at = models.DateTimeField(
        _("expires"), null=True, blank=True, help_text=_("Left empty, it is good until it is revoked.")
    )
    revoked_at = models.DateTimeField(_("revoked on"), null=True, editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["-created_at", "-id"]
        default_permissions = ("add", "change", "view")  # a key is revoked, never deleted: its use stays on record
        constraints = [
            models.CheckConstraint(condition=Q(rate__gte=1), name="portal_apikey_rate"),
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=F("created_at")), name="portal_apikey_expires"
            ),
        ]

    def __str__(self):
        return f"{self.prefix} · {self.owner}"

    def clean(self):
        super().clean()
        if self.expires_at and self.expires_at <= self.created_at:
            raise ValidationError({"expires_at": _("A key cannot expire before it is made.")})

    @property
    def state(self):
        if self.revoked_at:
            return self.State.REVOKED
        return self.State.EXPIRED if self.expires_at and self.expires_at <= timezone.now() else self.State.ACTIVE

    def get_state_display(self):
        return self.state.label

    def revoke(self):
        """End the key for good. Returns whether it was this call that did."""
        return bool(ApiKey.objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=timezone.now()))


class ApiUse(models.Model):
    """What was asked with one key on one day of the portal's time zone. `refused` of the `requests` were a 429."""

    key = models.ForeignKey(ApiKey, models.CASCADE, verbose_name=_("API key"), related_name="uses")
    day = models.DateField(_("day"))
    requests = models.PositiveIntegerField(_("requests"), default=0)
    refused = models.PositiveIntegerField(_("of these refused"), default=0)

    class Meta:
        verbose_name = _("use of an API key")
        verbose_name_plural = _("use of API keys")
        ordering = ["-day"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["key", "day"], name="portal_apiuse_once_a_day")]

    def __str__(self):
        return f"{self.key_id} {self.day}"
