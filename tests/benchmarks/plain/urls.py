from django.urls import path
from rest_framework.routers import SimpleRouter

from tests.benchmarks.plain.views import RecommendationList, RecommendationViewSet

router = SimpleRouter()
router.register("api/recommendations", RecommendationViewSet, basename="recommendation")

urlpatterns = [path("recommendations/", RecommendationList.as_view()), *router.urls]
