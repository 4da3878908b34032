"""The environment decides, and an incomplete one is refused whole."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ASK = "from portal import settings; print(*settings.REST_FRAMEWORK['DEFAULT_RENDERER_CLASSES'], sep='\\n')"
COMPLETE = {"SECRET_KEY": "x" * 60, "ALLOWED_HOSTS": "duizhao.example", "DATABASE_URL": "sqlite:///:memory:"}


def started(**environment):
    """Return the finished process that asked the settings what the API renders."""
    names = ("SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "REPLICA_URL", "CACHE_URL", "DEBUG", "HTTPS")
    kept = {name: value for name, value in os.environ.items() if name not in names}
    return subprocess.run(
        [sys.executable, "-c", ASK], cwd=ROOT, env=kept | environment, capture_output=True, text=True, check=False
    )


def test_everything_that_is_missing_is_named_at_once():
    refused = started(DEBUG="false")
    assert refused.returncode
    for name in COMPLETE:
        assert f"{name} is missing" in refused.stderr


@pytest.mark.parametrize("name", COMPLETE)
def test_each_one_is_needed(name):
    refused = started(DEBUG="false", **{other: value for other, value in COMPLETE.items() if other != name})
    assert refused.returncode
    assert f"{name} is missing" in refused.stderr
    assert refused.stderr.count("is missing") == 1


def test_bad_values_are_named():
    refused = started(DEBUG="perhaps", DATABASE_URL="nonsense")
    assert refused.returncode
    assert "DEBUG" in refused.stderr and "DATABASE_URL" in refused.stderr


def test_the_browsable_api_is_for_development_alone():
    assert "BrowsableAPIRenderer" in started().stdout
    production = started(DEBUG="false", **COMPLETE)
    assert production.returncode == 0, production.stderr
    assert production.stdout.split() == ["portal.renderers.JSONRenderer"]
