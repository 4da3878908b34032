"""Files of every form, good and bad: each is read, or refused in a sentence, in a process that may break."""

import io
import json
import os
import zipfile

import pytest
from django.core.management import CommandError, call_command
from docx import Document
from docx.oxml import OxmlElement
from docx.oxml.ns import qn

from reports import extraction
from reports.extraction import Refused, extracted
from reports.models import SourceText
from tests.test_repair import ONE, TWO, page

TEXT = f"关于数据流动的若干意见\n\n一、总体要求\n\n{ONE}\n\n二、主要任务\n\n{TWO}\n"
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


def word(*, note=""):
    """Return a DOCX file with a heading, two paragraphs, a deleted word and a table; and a footnote, if told."""
    document = Document()
    document.add_heading("数据规则的走向", 0)
    document.add_heading("一、现状", 1)
    document.add_paragraph(ONE)
    document.add_heading("（一）各国", 2)
    paragraph = document.add_paragraph(TWO)
    deleted, run, text = (OxmlElement(name) for name in ("w:del", "w:r", "w:delText"))
    text.text = "已删去"
    run.append(text)
    deleted.append(run)
    paragraph._p.append(deleted)
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "国家", "主张"
    if note:
        reference = OxmlElement("w:footnoteReference")
        reference.set(qn("w:id"), "2")
        run = OxmlElement("w:r")
        run.append(reference)
        paragraph._p.append(run)
    content = io.BytesIO()
    document.save(content)
    if not note:
        return content.getvalue()
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    notes = (
        f'<w:footnotes {space}><w:footnote w:id="2"><w:p><w:r><w:t>{note}</w:t></w:r></w:p></w:footnote></w:footnotes>'
    )
    relation = f'<Relationship Id="rId99" Type="{kind}" Target="footnotes.xml"/></Relationships>'
    form = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
    type_ = f'<Override PartName="/word/footnotes.xml" ContentType="{form}"/></Types>'
    return repacked(
        content.getvalue(),
        {
            "word/_rels/document.xml.rels": lambda part: part.replace(b"</Relationships>", relation.encode()),
            "[Content_Types].xml": lambda part: part.replace(b"</Types>", type_.encode()),
        },
        {"word/footnotes.xml": notes.encode()},
    )


def repacked(content, changes, more=()):
    """Return an archive with some of its members changed, {name: function}, and others added, {name: bytes}."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, changes.get(name, bytes)(old.read(name)))
        for name, part in dict(more).items():
            new.writestr(name, part)
    return packed.getvalue()


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


HTML = """<!doctype html><html><head><meta charset="{}"><title>数据规则</title></head><body>
<nav><a href="/">首页</a><a href="/b">频道</a></nav><div class="content"><h1>数据规则的走向</h1><p>{}</p>
<h2>一、建议</h2><p>{}</p><ol><li>{}</li></ol></div><footer>版权所有</footer></body></html>"""


@pytest.mark.parametrize("charset", ["utf-8", "gb2312"])
def test_a_saved_page_in_the_charset_that_it_declares(file, charset):
    found = extracted(file(HTML.format(charset, ONE, TWO, ONE[:40]).encode(charset)))
    assert found.form == "html" and pieces(found, "heading") == ["数据规则的走向", "一、建议"]
    assert pieces(found, "passage") == [ONE, TWO, ONE[:40]]


def pdf(*pages):
    """Return a PDF file whose pages have these lines, [(size, text)]: letters by number, with a map of them."""
    letters = sorted({char for lines in pages for _size, text in lines for char in text})
    code = {char: number for number, char in enumerate(letters, 1)}
    known = "\n".join(f"<{code[char]:04x}> <{char.encode('utf-16-be').hex()}>" for char in letters)
    chart = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Own def /CMapType 2 def\n"
        f"1 begincodespacerange <0000> <ffff> endcodespacerange\n{len(letters)} beginbfchar\n{known}\nendbfchar\n"
        "endcmap end end"
    ).encode()
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", "", ""]
    kids = []
    for lines in pages:
        drawn, y = [], 780
        for size, text in lines:
            y -= size * 1.5
            hexed = "".join(f"{code[char]:04x}" for char in text)
            drawn.append(f"BT /F1 {size} Tf 60 {y} Td <{hexed}> Tj ET")
        stream = "\n".join(drawn)
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {len(objects)} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>"
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    first = len(objects) + 1
    objects[2] = (
        f"<< /Type /Font /Subtype /Type0 /BaseFont /Own /Encoding /Identity-H /DescendantFonts [{first} 0 R]"
        f" /ToUnicode {first + 1} 0 R >>"
    )
    objects.append(
        "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Own /DW 1000"
        " /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
        f" /FontDescriptor {first + 2} 0 R >>"
    )
    objects.append(f"<< /Length {len(chart)} >>\nstream\n{chart.decode()}\nendstream")
    objects.append(
        "<< /Type /FontDescriptor /FontName /Own /Flags 4 /FontBBox [0 -200 1000 900] /ItalicAngle 0 /Ascent 900"
        " /Descent -200 /CapHeight 700 /StemV 80 >>"
    )
    found, places = b"%PDF-1.7\n", []
    for number, said in enumerate(objects, 1):
        places.append(len(found))
        found += f"{number} 0 obj\n{said}\nendobj\n".encode()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    end = (
        f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer << /Size {len(objects) + 1} /Root 1 0 R >>\n"
    )
    return found + f"{end}startxref\n{len(found)}\n%%EOF\n".encode()


def lines(size, *said):
    return [(size, line) for line in page(*said).splitlines()]


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
