"""Files of every form, good and bad: each is read, or refused in a sentence, in a process that may break."""

import io
import json
import os
import subprocess
import sys
import zipfile

import pytest
from django.core.management import CommandError, call_command

from reports import extraction
from reports.extraction import Refused, extracted
from reports.models import SourceText
from tests.samples import HTML, ONE, SAMPLES, TEXT, TWO, lines, pdf, repacked, word

TRADITIONAL = (
    "關於數據流動的若干意見\n\n一、總體要求\n\n各國政府近年來陸續出台了許多關於數據流動的規則，多數都以安全為由。\n"
)


@pytest.fixture
def file(tmp_path):
    """Return a function that writes bytes, or a text, to a file."""

    def write(content, name="file"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def pieces(found, kind):
    return [piece.text for piece in found.pieces if piece.kind == kind]


# ---------------------------------------------------------------------------------------------------------------------
# What is read
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
def test_plain_text_in_any_usual_charset(file, charset):
    found = extracted(file(TEXT.encode(charset)))
    assert found.form == "text" and found.text == TEXT
    assert pieces(found, "heading") == ["关于数据流动的若干意见", "一、总体要求", "二、主要任务"]


def test_plain_text_in_traditional_characters(file):
    assert extracted(file(TRADITIONAL.encode("big5"))).text == TRADITIONAL


def test_plain_text_of_western_words(file):
    text = "Introduction\n\nThe naïve résumé of a decade – in “quotes”.\n"
    assert extracted(file(text.encode("cp1252"))).text == text


def test_a_word_document_with_headings_table_and_note(file):
    found = extracted(file(word(note="张三：《规则》，2019年。")))
    assert found.form == "docx" and "已删去" not in found.text
    headings = [(piece.level, piece.text) for piece in found.pieces if piece.kind == "heading"]
    assert headings[:3] == [(1, "数据规则的走向"), (2, "一、现状"), (3, "（一）各国")]
    assert [(piece.mark, piece.text, piece.passage) for piece in found.pieces if piece.kind == "note"] == [
        ("[1]", "张三：《规则》，2019年。", 1)
    ]
    assert ONE in pieces(found, "passage") and any(
        "国家" in text and "主张" in text for text in pieces(found, "passage")
    )


@pytest.mark.parametrize("charset", ["utf-8", "gb2312"])
def test_a_saved_page_in_the_charset_that_it_declares(file, charset):
    found = extracted(file(HTML.format(charset, ONE, TWO, ONE[:40]).encode(charset)))
    assert found.form == "html" and pieces(found, "heading") == ["数据规则的走向", "一、建议"]
    assert pieces(found, "passage") == [ONE, TWO, ONE[:40]]


def test_a_pdf_with_running_heads_and_larger_headings(file):
    first = [
        *lines(9, "某刊2021年第2期"),
        *lines(18, "数据规则的走向"),
        *lines(12, ONE, TWO, ONE[:60]),
        *lines(9, "12"),
    ]
    second = [*lines(9, "某刊2021年第2期"), *lines(12, ONE[60:], TWO, ONE), *lines(9, "13")]
    found = extracted(file(pdf(first, second)))
    assert found.form == "pdf" and pieces(found, "heading") == ["数据规则的走向"]
    assert pieces(found, "passage") == [ONE, TWO, ONE, TWO, ONE]
    assert pieces(found, "furniture") == ["某刊2021年第2期", "12", "某刊2021年第2期", "13"]


# ---------------------------------------------------------------------------------------------------------------------
# What is refused
# ---------------------------------------------------------------------------------------------------------------------


def bomb():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"0" * (extraction.UNPACKED + 1))
    return packed.getvalue()


def lying_bomb():
    """Return an archive that unpacks to more than its table says."""
    content = bomb()
    size = (extraction.UNPACKED + 1).to_bytes(4, "little")
    return content.replace(size, (1000).to_bytes(4, "little"))


def with_entities(said):
    start = b"<?xml version='1.0' encoding='UTF-8' standalone='yes'?>"
    return repacked(word(), {"word/document.xml": lambda part: start + said + part.partition(b"?>")[2]})


LAUGHS = b"<!DOCTYPE x [" + b"".join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">'.encode() for n in range(10)
) + b"]>"  # fmt: skip

BAD = {
    "nothing": (b"", "empty"),
    "blanks": (b" \n\t", "empty"),
    "nul": ("甲\0乙".encode(), "NUL"),
    "half a mark": (b"\xff\xfe\x00", "UTF-16"),
    "noise": (bytes(range(128, 256)) * 40, "no plain text"),
    "picture": (b"\x89PNG\r\n\x1a\n" + b"0" * 100, "image"),
    "old Word": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"0" * 600, "old version of Word"),
    "RTF": (b"{\\rtf1\\ansi text}", "RTF"),
    "web archive": (b"MIME-Version: 1.0\nContent-Type: multipart/related\n", "web archive"),
    "packed": (repacked(word(), {})[:2] + b"", "damaged"),
    "archive": (repacked(word(), {}, {}).replace(b"word/document.xml", b"word/dokument.xml"), "no DOCX"),
    "bomb": (bomb(), "unpacks to more"),
    "lying bomb": (lying_bomb(), "unpacks to more|damaged"),
    "half a DOCX": (word()[: len(word()) // 2], "damaged"),
    "outside entity": (with_entities(b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'), "entities"),
    "laughs": (with_entities(LAUGHS), "entities"),
    "half a PDF": (pdf(lines(12, ONE))[:500], "damaged|no text"),
    "no PDF": (b"%PDF-1.7\n" + bytes(range(256)) * 10, "damaged"),
    "pages without text": (pdf([], []), "no text"),
    "menus": ("<!doctype html><html><body><nav><a href='/'>首页</a></nav></body></html>", "no text|no plain text"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_refused_in_a_sentence(file, name):
    content, reason = BAD[name]
    with pytest.raises(Refused, match=reason) as refused:
        extracted(file(content))
    assert str(refused.value).endswith(".") and "Traceback" not in str(refused.value)


def test_a_file_is_known_by_what_it_holds_and_not_by_its_name(file):
    assert extracted(file(word(), "report.pdf")).form == "docx"
    assert extracted(file(TEXT, "report.docx")).form == "text"


def test_what_takes_too_long_or_too_much_ends_by_itself(file, monkeypatch):
    monkeypatch.setattr(
        extraction, "CHILD", "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 1))\nwhile 1: pass"
    )
    with pytest.raises(Refused, match="seconds"):
        extracted(file(TEXT))
    monkeypatch.setattr(extraction, "CHILD", "import os; os.abort()")
    with pytest.raises(Refused, match="made to break"):
        extracted(file(TEXT))


def test_a_text_of_one_endless_line_is_read(file):
    found = extracted(file("数据" * 200_000))
    assert len(pieces(found, "passage")) == 1
    with pytest.raises(Refused, match="characters"):
        extracted(file("数" * (extraction.MOST_CHARACTERS + 1)))


def test_the_process_knows_nothing_of_the_portal(file, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "not for the reader of files")
    monkeypatch.setattr(
        extraction, "CHILD", "import os, json; print(json.dumps({'refused': repr(sorted(os.environ)) + '.'}))"
    )
    with pytest.raises(Refused) as refused:
        extracted(file(TEXT))
    assert "SECRET_KEY" not in str(refused.value) and "SECRET_KEY" in os.environ


@pytest.mark.parametrize("form", SAMPLES)
def test_damaged_files_are_read_or_refused_for_a_reason(form):
    """Two hundred of each form; `python -m tests.fuzzing` makes as many as one likes."""
    command = [sys.executable, "-m", "tests.fuzzing", form]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=extraction.ROOT, timeout=240)
    assert ended.returncode == 0, ended.stdout + ended.stderr


# ---------------------------------------------------------------------------------------------------------------------
# The command
# ---------------------------------------------------------------------------------------------------------------------


def test_a_dry_run_prints_what_a_file_holds_and_stores_nothing(file, db, capsys):
    text = f"一、现状\n\n{ONE[:-1]}[1]。\n\n参考文献\n\n[1] 张三：《规则》。\n"
    call_command("ingest", file(text, "a.txt"), "--dry-run", "--json")
    assert json.loads(capsys.readouterr().out) == {
        "file": "a.txt",
        "sections": [{"level": 1, "heading": "一、现状"}, {"level": 1, "heading": "参考文献"}],
        "passages": [f"{ONE[:-1]}[1]。"],
        "notes": [{"mark": "[1]", "text": "张三：《规则》。", "passage": 1}],
    }
    call_command("ingest", file(text, "a.txt"), "--dry-run")
    assert capsys.readouterr().out == "a.txt: 2 sections, 1 passages, 1 notes (plain text)\n"
    assert not SourceText.objects.exists()


def test_a_batch_goes_on_past_a_bad_file(file, db, capsys):
    with pytest.raises(CommandError, match="1 of 2 files refused"):
        call_command("ingest", file(b"", "bad.txt"), file(word(), "good.docx"))
    told = capsys.readouterr()
    assert told.err == "bad.txt: The file is empty.\n" and told.out.startswith("good.docx:")
    assert SourceText.objects.get().extractor.startswith("python-docx")


def test_json_belongs_to_a_dry_run(file, db):
    with pytest.raises(CommandError, match="--dry-run"):
        call_command("ingest", file(TEXT), "--json")
