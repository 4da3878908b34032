"""One model, its list as JSON and as a page."""

from django.db.models import Count, Q
from django.db.models.functions import Left
from django.views.generic import ListView
from django_filters import rest_framework as filters
from rest_framework import serializers
from rest_framework.viewsets import ReadOnlyModelViewSet

from recommendations.models import Actor, CrossReference, Evidence, Instrument, PolicyArea, Recommendation
from reports.models import Author, Institution, Report

# Facets of the list, those of the portal, and by what of the model they count.
FACETS = {
    "area": "areas__slug",
    "addressee": "addressees__slug",
    "action_type": "action_type",
    "force": "force",
    "standing": "standing",
    "voice": "voice",
    "made_by": "made_by__slug",
    "instrument": "instruments__slug",
    "report": "report__slug",
    "author": "report__contributions__author__slug",
    "institution": "report__contributions__affiliations__slug",
    "year": Left("report__date", 4),
}
FACET_LIMIT = 200


def recommendations():
    """Public rows, with what both lists show of them."""
    return (
        Recommendation.objects.filter(report__state=Report.State.PUBLISHED)
        .select_related("report")
        .prefetch_related("areas", "addressees")
        .order_by("-report__date", "report__slug", "order", "pk")
    )


# ---------------------------------------------------------------------------------------------------------------------
# Filters
# ---------------------------------------------------------------------------------------------------------------------


def slugs(model, path, **more):
    return filters.ModelMultipleChoiceFilter(
        queryset=model.objects.all(), field_name=f"{path}__slug", to_field_name="slug", distinct=True, **more
    )


class RecommendationFilter(filters.FilterSet):
    area = slugs(PolicyArea, "areas", method="below")
    addressee = slugs(Actor, "addressees")
    instrument = slugs(Instrument, "instruments")
    made_by = slugs(Actor, "made_by")
    report = slugs(Report, "report")
    author = slugs(Author, "report__contributions__author")
    institution = slugs(Institution, "report__contributions__affiliations")
    year = filters.CharFilter(field_name="report__date", lookup_expr="startswith")
    q = filters.CharFilter(method="containing")

    class Meta:
        model = Recommendation
        fields = ["action_type", "force", "standing", "voice"]

    def below(self, rows, name, areas):
        """What is filed under an area is filed under those above it."""
        if not areas:
            return rows
        return rows.filter(areas__in=PolicyArea.objects.subtree_ids(areas)).distinct()

    def containing(self, rows, name, word):
        return rows.filter(Q(summary_zh__icontains=word) | Q(summary_en__icontains=word))


def facets(rows):
    """Return {facet: [(value, count)]}, the most frequent first: one query each."""
    rows = Recommendation.objects.filter(pk__in=rows.order_by().values("pk"))
    counted = {
        name: rows.order_by().values_list(path).annotate(n=Count("pk", distinct=True)).order_by("-n")[:FACET_LIMIT]
        for name, path in FACETS.items()
    }
    return {name: list(found) for name, found in counted.items()}


# ---------------------------------------------------------------------------------------------------------------------
# JSON
# ---------------------------------------------------------------------------------------------------------------------


class NamedSerializer(serializers.ModelSerializer):
    class Meta:
        fields = ["slug", "name_zh", "name_en"]


class AreaSerializer(NamedSerializer):
    class Meta(NamedSerializer.Meta):
        model = PolicyArea


class ActorSerializer(NamedSerializer):
    class Meta(NamedSerializer.Meta):
        model = Actor


class InstrumentSerializer(NamedSerializer):
    class Meta(NamedSerializer.Meta):
        model = Instrument


class ReportSerializer(serializers.ModelSerializer):
    class Meta:
        model = Report
        fields = ["slug", "title_zh", "title_en", "date"]


class EvidenceSerializer(serializers.ModelSerializer):
    section = serializers.SlugRelatedField("key", read_only=True)
    passage = serializers.SlugRelatedField("number", read_only=True)

    class Meta:
        model = Evidence
        fields = ["start", "end", "digest", "section", "passage"]


class EndSerializer(serializers.ModelSerializer):
    report = serializers.SlugRelatedField("slug", read_only=True)

    class Meta:
        model = Recommendation
        fields = ["report", "key"]


class OutSerializer(serializers.ModelSerializer):
    target = EndSerializer()

    class Meta:
        model = CrossReference
        fields = ["kind", "state", "rationale_zh", "rationale_en", "target"]


class InSerializer(serializers.ModelSerializer):
    source = EndSerializer()

    class Meta:
        model = CrossReference
        fields = ["kind", "state", "rationale_zh", "rationale_en", "source"]


class RecommendationSerializer(serializers.ModelSerializer):
    report = ReportSerializer()
    parent = serializers.SlugRelatedField("key", read_only=True)
    parts = serializers.SlugRelatedField("key", many=True, read_only=True)
    made_by = ActorSerializer()
    addressees = ActorSerializer(many=True)
    areas = AreaSerializer(many=True)
    instruments = InstrumentSerializer(many=True)
    restates = EndSerializer(many=True)
    references_out = OutSerializer(many=True)
    references_in = InSerializer(many=True)
    evidence = EvidenceSerializer(many=True)

    class Meta:
        model = Recommendation
        fields = [
            "key", "report", "parent", "parts", "made_by", "voice", "addressees", "areas", "action_type", "force",
            "standing", "instruments", "condition_zh", "condition_en", "restates", "references_out", "references_in",
            "summary_zh", "summary_en", "note_zh", "note_en", "evidence",
        ]  # fmt: skip


class RecommendationViewSet(ReadOnlyModelViewSet):
    serializer_class = RecommendationSerializer
    filterset_class = RecommendationFilter

    def get_queryset(self):
        return (
            recommendations()
            .select_related("report", "parent", "made_by")
            .prefetch_related("instruments", "parts", "restates__report", "evidence__section", "evidence__passage")
            .prefetch_related("references_out__target__report", "references_in__source__report")
        )


# ---------------------------------------------------------------------------------------------------------------------
# The page
# ---------------------------------------------------------------------------------------------------------------------


class RecommendationList(ListView):
    template_name = "plain/recommendation_list.html"
    paginate_by = 20

    def get_queryset(self):
        self.filterset = RecommendationFilter(self.request.GET, queryset=recommendations())
        return self.filterset.qs

    def get_context_data(self, **kwargs):
        return super().get_context_data(facets=facets(self.filterset.qs), **kwargs)
