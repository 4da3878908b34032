"""What every test shares."""

import pytest
from django.core.cache import cache

from portal import index, shelf
from reports.models import squeezed_text
from tests import indexing


@pytest.fixture(autouse=True)
def fresh_caches():
    """Throttles, texts and versions of one test are not those of the next."""
    cache.clear()
    squeezed_text.cache_clear()
    index.forget()
    shelf.clear()
    indexing.written[0] = True


@pytest.fixture
def client():
    return indexing.Reader()
