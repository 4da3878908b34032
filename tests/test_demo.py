"""The one command: what it leaves behind, once and twice."""

import os
import time
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finder
from django.core.management import CommandError, call_command
from django.db import connection

from portal import index
from portal.management.commands.demo import collected
from recommendations.models import Recommendation
from reports.models import Report, SourceText

pytestmark = pytest.mark.django_db

TEXTS = Path(os.environ.get("DUIZHAO_TEXTS") or Path(__file__).resolve().parents[2] / "shared" / "seeds")


def snapshot():
    """Every row of every table."""
    rows = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')
            rows[table] = sorted(map(repr, cursor.fetchall()))
    return rows


def test_running_it_again_changes_no_row(capsys):
    call_command("demo", no_serve=True)
    first = capsys.readouterr().out
    before = snapshot()
    call_command("demo", no_serve=True)
    assert snapshot() == before
    assert Report.objects.published().count() == 12
    password = first.partition("password: ")[2].split()[0]
    assert "password" not in capsys.readouterr().out
    editor = get_user_model().objects.get(username="editor")
    assert editor.check_password(password) and editor.is_staff and not editor.is_superuser
    assert editor.has_perm("reports.publish_report") and editor.has_perm("recommendations.add_recommendation")


def test_what_an_editor_changed_stays(capsys):
    call_command("demo", no_serve=True)
    Recommendation.objects.filter(report__slug="digital-economy-dialogue-2019", key="R20").update(summary_en="Changed.")
    Report.objects.filter(slug="biden-tech-policy-2021").update(state="withdrawn")
    call_command("demo", no_serve=True)
    assert Recommendation.objects.filter(summary_en="Changed.").count() == 1
    assert Report.objects.published().count() == 11


def test_a_missing_publication_comes_back(capsys):
    call_command("demo", no_serve=True)
    Report.objects.filter(slug="cyber-relations-2021").delete()
    call_command("demo", no_serve=True)
    assert Report.objects.published().count() == 12


def test_an_older_database_gets_its_index(capsys):
    call_command("demo", no_serve=True)
    index.Entry.objects.all().delete()
    call_command("demo", no_serve=True)
    assert not list(index.faults())


@pytest.mark.skipif(not TEXTS.is_dir() and not os.environ.get("CI"), reason="the source texts are not here")
def test_texts_are_attached_by_hash(capsys):
    call_command("demo", no_serve=True, texts=TEXTS)
    assert SourceText.objects.count() == 5
    assert not Report.objects.filter(source_text=None).exists()
    before = snapshot()
    call_command("demo", no_serve=True, texts=TEXTS)
    assert snapshot() == before
    call_command("verify")
    assert "Spans of texts that are not held: 0. Faults: 0." in capsys.readouterr().out


def test_static_files_are_collected_anew_once_one_is_written(settings, tmp_path):
    settings.STATICFILES_DIRS, settings.STATIC_ROOT = [tmp_path / "written"], tmp_path / "served"
    get_finder.cache_clear()
    (tmp_path / "written").mkdir()
    (tmp_path / "written" / "a.css").write_text("a {}")
    (tmp_path / "served").mkdir()
    assert not collected()
    manifest = tmp_path / "served" / "staticfiles.json"
    manifest.write_text("{}")
    now = time.time()
    os.utime(manifest, (now + 60, now + 60))
    assert collected()
    os.utime(manifest, (now - 60, now - 60))
    assert not collected()
    get_finder.cache_clear()


@pytest.mark.parametrize("options", [{"port": 0}, {"port": 70000}, {"texts": Path("/nowhere/at/all")}])
def test_bad_options_are_refused_before_anything_is_done(options):
    with pytest.raises(CommandError):
        call_command("demo", no_serve=True, **options)
    assert not Report.objects.exists()
