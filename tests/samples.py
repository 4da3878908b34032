"""Texts and files of every form, made up for tests."""

import io
import zipfile

from docx import Document
from docx.oxml import OxmlElement
from docx.oxml.ns import qn

ONE = (
    "各国政府近年来陆续出台了许多关于数据流动的规则，多数规则都以安全为由，"
    "却很少有规则说明安全究竟指的是什么，也很少规定限制何时终止。"
)
TWO = (
    "因此应当先就用语达成一致，再就限制的范围和期限达成一致，"
    "并由双方的主管部门定期交换意见，公布各自采取的措施及其理由。"
)
TEXT = f"关于数据流动的若干意见\n\n一、总体要求\n\n{ONE}\n\n二、主要任务\n\n{TWO}\n"


def page(*lines, width=30):
    """Return Chinese lines as printed: each over so many squares, the last of a paragraph shorter."""
    found = []
    for line in lines:
        found += [line[at : at + width] for at in range(0, len(line), width)]
    return "\n".join(found) + "\n"


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


HTML = """<!doctype html><html><head><meta charset="{}"><title>数据规则</title></head><body>
<nav><a href="/">首页</a><a href="/b">频道</a></nav><div class="content"><h1>数据规则的走向</h1><p>{}</p>
<h2>一、建议</h2><p>{}</p><ol><li>{}</li></ol></div><footer>版权所有</footer></body></html>"""


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


SAMPLES = {
    "text": lambda: (TEXT + page(ONE, TWO, ONE)).encode(),
    "pdf": lambda: pdf([*lines(9, "某刊"), *lines(18, "数据规则"), *lines(12, ONE, TWO)], lines(12, TWO, ONE)),
    "docx": lambda: word(note="张三：《规则》，2019年。"),
    "html": lambda: HTML.format("utf-8", ONE, TWO, ONE[:40]).encode(),
}
