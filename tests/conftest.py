"""What every test shares."""

import pytest
from django.core.cache import cache

from reports.models import squeezed_text


@pytest.fixture(autouse=True)
def fresh_caches():
    """Throttles and texts of one test are not those of the next."""
    cache.clear()
    squeezed_text.cache_clear()
