"""The interface speaks both languages in full, and the compiled catalogues are those of the sources."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import polib
import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "portal" / "locale"
LANGUAGES = ["zh_Hans", "en"]
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}|</?\w+[^>]*>")


def catalogue(language, root=LOCALE):
    return polib.pofile(str(root / language / "LC_MESSAGES" / "django.po"))


def messages(entries):
    return {(entry.msgctxt, entry.msgid) for entry in entries if not entry.obsolete}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_translated(language):
    entries = catalogue(language)
    assert not entries.fuzzy_entries() and not entries.obsolete_entries()
    untranslated = [entry.msgid for entry in entries if not entry.translated()]
    assert not untranslated, untranslated


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_is_that_of_the_source(language, tmp_path):
    compiled = tmp_path / "django.mo"
    catalogue(language).save_as_mofile(str(compiled))
    assert compiled.read_bytes() == (LOCALE / language / "LC_MESSAGES" / "django.mo").read_bytes()


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_and_marks_survive(language):
    for entry in catalogue(language):
        texts = list(entry.msgstr_plural.values()) or [entry.msgstr]
        for text in texts:
            wanted = set(PLACEHOLDER.findall(entry.msgid_plural or entry.msgid))
            found = set(PLACEHOLDER.findall(text))
            allowed = wanted | set(PLACEHOLDER.findall(entry.msgid))
            assert found <= allowed and (len(texts) > 1 or found == wanted), (entry.msgid, text)


def test_both_catalogues_hold_the_same_messages():
    assert messages(catalogue("zh_Hans")) == messages(catalogue("en"))


def test_chinese_is_set_without_typed_blanks():
    blank = re.compile(r"[\u4e00-\u9fff] +[A-Za-z0-9%{]|[A-Za-z0-9%}] +[\u4e00-\u9fff]")
    for entry in catalogue("zh_Hans"):
        for text in list(entry.msgstr_plural.values()) or [entry.msgstr]:
            assert not blank.search(text), (entry.msgid, text)


@pytest.mark.skipif(not shutil.which("xgettext") and not os.environ.get("CI"), reason="gettext is not installed")
def test_no_string_of_the_code_is_missing(tmp_path):
    for name in ("portal", "reports", "recommendations", "templates"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "locale", "corpus"))
    (tmp_path / "portal" / "locale" / "en" / "LC_MESSAGES").mkdir(parents=True)
    command = [sys.executable, "-m", "django", "makemessages", "-l", "en", "--no-location", "-v", "0"]
    subprocess.run(command, cwd=tmp_path, check=True, env={**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings"})
    found = messages(catalogue("en", tmp_path / "portal" / "locale")) - {(None, "")}
    assert found == messages(catalogue("en")), found ^ messages(catalogue("en"))
