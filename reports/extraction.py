"""The text of a file: plain text, PDF, DOCX or saved HTML, read in a process of its own that may fail, hang or burst.

`extracted(path)` starts that process, and is all that the portal calls; it opens no file and parses nothing itself. The
process is `python -m reports.extraction FILE`: it knows neither the settings nor the database, may use so much time and
memory and no more, fetches nothing, and answers in one line of JSON.
"""

import io
import json
import re
import resource
import signal
import subprocess
import sys
import zipfile
import zlib
from collections import Counter
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

from reports import repair

PLAIN_TEXT = "plain text"
MOST_BYTES = 50_000_000
MOST_CHARACTERS = 2_000_000
MOST_PAGES = 3_000
UNPACKED = 200_000_000  # bytes of an archive once it is unpacked
MEMBERS = 5_000  # of an archive
SECONDS, WALL = 10, 20
MEMORY = 512 * 2**20
SPARSE = 20  # characters on a page, on average, below which a PDF is taken for a scan

ROOT = Path(__file__).resolve().parent.parent


class Refused(Exception):
    """A file is not taken; the message says why, in one sentence without the name of the file."""


@dataclass
class Extracted:
    """What a file holds. `text` is as it was read, `pieces` what `reports.repair` makes of it."""

    sha256: str
    form: str
    extractor: str
    text: str
    pieces: list = field(default_factory=list)


def extracted(path):
    """Return Extracted of a file. Raises Refused, for whatever reason it cannot be read, within WALL seconds."""
    path = Path(path).resolve()
    command = [sys.executable, "-I", "-c", CHILD, str(ROOT), str(path)]
    try:
        ended = subprocess.run(command, capture_output=True, timeout=WALL, cwd="/", env={"LANG": "C.UTF-8"})  # noqa: S603
    except subprocess.TimeoutExpired:
        raise Refused(f"Reading the file takes more than {WALL} seconds.") from None
    if ended.returncode == -signal.SIGXCPU or ended.returncode == -signal.SIGKILL:
        raise Refused(f"Reading the file takes more than {SECONDS} seconds.")
    if ended.returncode:
        raise Refused("The file is damaged, or made to break whatever reads it.")
    told = json.loads(ended.stdout)
    if "refused" in told:
        raise Refused(told["refused"])
    pieces = [repair.Piece(**piece) for piece in told.pop("pieces")]
    return Extracted(**told, pieces=pieces)


# What the process runs: -I keeps the environment and the current folder out of what it imports.
CHILD = "import sys; sys.path.insert(0, sys.argv[1]); from reports.extraction import main; main(sys.argv[2])"


# ---------------------------------------------------------------------------------------------------------------------
# In the process of its own
# ---------------------------------------------------------------------------------------------------------------------


def main(path):
    """Print what a file holds, or why it is refused, as one line of JSON."""
    for limit, most in (
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    try:
        told = asdict(read(Path(path)))
    except Refused as refused:
        told = {"refused": str(refused)}
    except MemoryError:
        told = {"refused": f"Reading the file takes more than {MEMORY // 2**20} MB of memory."}
    except RecursionError:
        told = {"refused": "The file is nested too deeply."}
    sys.stdout.write(json.dumps(told))


def read(path):
    """Return Extracted of a file."""
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise Refused(f"The file is larger than {MOST_BYTES // 10**6} MB.")
        content = path.read_bytes()
    except OSError as error:
        raise Refused(f"The file cannot be read: {error.strerror}.") from error
    return read_content(content)


def read_content(content):
    """Return Extracted of the bytes of a file."""
    if not content.strip(b"\0\t\n\r\f "):
        raise Refused("The file is empty.")
    form = form_of(content)
    text, extractor = READERS[form](content)
    if len(text) > MOST_CHARACTERS:
        raise Refused(f"The text has more than {MOST_CHARACTERS:,} characters.")
    if not text.strip():
        raise Refused("The file holds no text.")
    pieces = repair.repaired(text).pieces
    return Extracted(sha256(content).hexdigest(), form, extractor, text, pieces)


MAGIC = {
    b"\xd0\xcf\x11\xe0": "This is a document of an old version of Word: save it as DOCX.",
    b"{\\rtf": "This is a document in RTF: save it as DOCX.",
    b"\x89PNG": "This is an image without text.",
    b"\xff\xd8\xff": "This is an image without text.",
    b"GIF8": "This is an image without text.",
    b"II*\0": "This is an image without text.",
    b"MM\0*": "This is an image without text.",
    b"\x1f\x8b": "This is a packed file: unpack it first.",
    b"Rar!": "This is a packed file: unpack it first.",
    b"7z\xbc\xaf": "This is a packed file: unpack it first.",
    b"BZh": "This is a packed file: unpack it first.",
    b"\x7fELF": "This is a program.",
    b"MZ\x90": "This is a program.",
}


def form_of(content):
    """Return the form of a file by what it holds, whatever it is called. Raises Refused."""
    for magic, reason in MAGIC.items():
        if content.startswith(magic):
            raise Refused(reason)
    if b"%PDF-" in content[:1024]:
        return "pdf"
    if content.startswith(b"PK"):
        return "docx"
    head = content[:4096].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").replace(b"\0", b"").lower()
    if re.match(rb"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", head, re.DOTALL):
        return "html"
    if head.startswith((b"mime-version:", b"from: <saved by")):
        raise Refused("This is a web archive: save the page as HTML.")
    return "text"


# -- plain text --------------------------------------------------------------------------------------------------------

MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe\0\0": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})""", re.IGNORECASE)
WESTERN = 0.85  # the share of letters without accents from which a text is taken for one of the West
GUESSES = ("gb18030", "big5", "utf-16-le", "utf-16-be")


def decoded(content, declared=""):
    """Return (text, charset) of bytes: by their mark, by what they declare, as UTF-8, else as what reads best."""
    for mark, name in MARKS.items():
        if content.startswith(mark):
            return strictly(content.removeprefix(mark) if name == "utf-8" else content, name), name
    for name in (declared, "utf-8"):
        try:
            return content.decode("gb18030" if name.lower() in ("gb2312", "gbk") else name), name
        except (LookupError, UnicodeDecodeError, ValueError):
            continue
    found = [(likeness(text), text, name) for name in GUESSES if (text := attempt(content, name))]
    best = max(found, default=(0, "", ""))
    if best[0] < 0.5 and sum(byte < 128 for byte in content) > WESTERN * len(content):
        best = 1, attempt(content, "cp1252"), "cp1252"
    if best[0] < 0.5 or not best[1]:
        raise Refused("The file is no plain text in UTF-8, GB18030, Big5 or UTF-16, nor a PDF, DOCX or HTML file.")
    return best[1], best[2]


def strictly(content, name):
    try:
        return content.decode(name)
    except UnicodeDecodeError as error:
        raise Refused(f"The file says that it is {name.upper()}, and is not (byte {error.start:,}).") from error


def attempt(content, name):
    try:
        return content.decode(name)
    except UnicodeDecodeError:
        return ""


# The Han that make up a third of any Chinese text, in both scripts: a wrong charset hits upon none of them.
COMMON = frozenset(
    "的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可这個國來說們為時過學對與及"
)


def likeness(text):
    """Return how much a text reads like one, from 0 to 1."""
    sample = text[:20_000]
    shown = [char for char in sample if not char.isspace()]
    if not shown or "\0" in sample:
        return 0
    strange = sum(1 for char in shown if not char.isprintable() or "\ue000" <= char <= "\uf8ff")
    han = [char for char in shown if "\u3400" <= char <= "\u9fff"]
    common = sum(1 for char in han if char in COMMON) / len(han) if han else 0
    plain = sum(1 for char in shown if char.isascii()) / len(shown)
    return max(0, min(1, common * 6 + plain) - 20 * strange / len(shown))


def read_text(content):
    text, charset = decoded(content)
    if "\0" in text:
        raise Refused("The file holds a NUL character, so it is no plain text.")
    return text, PLAIN_TEXT if charset == "utf-8" else f"{PLAIN_TEXT} ({charset})"


# -- PDF ---------------------------------------------------------------------------------------------------------------


GAP = 1.6  # of the usual distance between two lines: more parts paragraphs
LARGER = 1.12  # times the size of the text: the size of a heading
RAISED = 0.8  # times the size of its line: the size of a mark that refers to a note
INDENTED = range(1, 5)  # squares by which the first line of a paragraph stands further in


@dataclass
class Printed:
    """A line of a page: its text, where it begins, where it stands on the page, and the size of most of its letters."""

    text: str
    left: float
    bottom: float
    size: float


def read_pdf(content):
    import pypdfium2  # here and below: each file needs one of these libraries, and no request needs any

    try:
        document = pypdfium2.PdfDocument(content)
        if len(document) > MOST_PAGES:
            raise Refused(f"The document has more than {MOST_PAGES:,} pages.")
        pages = [list(lines_of(page.get_textpage(), pypdfium2.raw)) for page in document]
    except pypdfium2.PdfiumError as error:
        if "assword" in str(error) or "ecurity" in str(error):
            raise Refused("The PDF is encrypted: save it without a password.") from error
        raise Refused("The PDF is damaged or cut off.") from error
    if sum(len(line.text) for page in pages for line in page) < SPARSE * len(pages):
        raise Refused("The PDF has no text, only images of pages: have it read by OCR first.")
    return "\f".join(laid_out(pages)), f"pypdfium2 {pypdfium2.PYPDFIUM_INFO}"


def lines_of(page, raw):
    """Yield the lines of a page, Printed, in the order in which the file has them."""
    from ctypes import byref, c_double

    chars = []
    for place in [*range(page.count_chars()), None]:
        char = "\n" if place is None else chr(raw.FPDFText_GetUnicode(page, place))
        if char not in "\r\n":
            chars.append((place, char, round(raw.FPDFText_GetFontSize(page, place) * 2) / 2))
            continue
        if any(not char.isspace() for _place, char, _size in chars):
            first = next(place for place, char, _size in chars if not char.isspace())
            box = [c_double() for _side in range(4)]  # left, right, bottom, top
            raw.FPDFText_GetCharBox(page, first, *map(byref, box))
            sizes = Counter(size for _place, char, size in chars if not char.isspace())
            size = sizes.most_common(1)[0][0]
            yield Printed(written(chars, size), box[0].value, box[2].value, size)
        chars = []


def written(chars, size):
    """Return the characters of a line; raised numbers, which refer to notes, in brackets."""
    found, raised = [], ""
    for _place, char, own in [*chars, (None, " ", size)]:
        if char.isascii() and char.isdigit() and own < RAISED * size:
            raised += char
            continue
        found += [f"[{raised}]" if raised else "", SHOWN.get(char, char)]
        raised = ""
    return "".join(found).strip()


SHOWN = {"\ufffe": "\u00ad", "\x02": "\u00ad", "\0": ""}  # as PDFium marks a word that was broken


def laid_out(pages):
    """Yield the text of each page, with what the page shows by its layout: larger lines as headings, gaps, indents."""
    sizes = Counter()
    for line in (line for page in pages for line in page):
        sizes[line.size] += len(line.text)
    usual = sizes.most_common(1)[0][0] if sizes else 0
    larger = sorted({line.size for page in pages for line in page if is_larger(line, usual)}, reverse=True)
    for page in pages:
        pitches = Counter(round(a.bottom - b.bottom) for a, b in zip(page, page[1:], strict=False))
        pitch = max((step for step, n in pitches.items() if step > 0 and n > 1), key=pitches.get, default=0)
        lefts = Counter(round(line.left) for line in page)
        margins = [left for left, n in lefts.items() if n > 2 and n >= len(page) / 6]
        found, before = [], None
        for line in page:
            head = is_larger(line, usual)
            if (
                head
                and before is not None
                and before.size == line.size
                and before.bottom - line.bottom < 2.2 * line.size
            ):
                found[-1] += f" {line.text}" if found[-1][-1].isascii() else line.text
            else:
                if before is not None and pitch and before.bottom - line.bottom > GAP * pitch:
                    found.append("")
                if head:
                    found.append(f"{'#' * min(larger.index(line.size) + 1, 4)} {line.text}")
                else:
                    margin = max((left for left in margins if left <= line.left + 1), default=line.left)
                    further = round((line.left - margin) / (line.size or 1))
                    found.append(f"{SQUARES if further in INDENTED else ''}{line.text}")
            before = line
        yield "\n".join(found)


SQUARES = "\u3000\u3000"


def is_larger(line, usual):
    letters = sum(1 for char in line.text if char.isalpha())
    return line.size >= LARGER * usual and letters and len(line.text) <= 80


# -- DOCX --------------------------------------------------------------------------------------------------------------

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


# What python-docx raises, unasked, over parts that are not as the standard has them.
UNREADABLE = LookupError, ValueError, TypeError, AttributeError, zipfile.BadZipFile


def read_docx(content):
    import docx
    from lxml import etree

    unpacked(content)
    try:
        document = docx.Document(io.BytesIO(content))
        notes = notes_of(document.part, etree)
        lines = list(blocks(document.element.body, document.part, notes))
    except (*UNREADABLE, etree.XMLSyntaxError, docx.opc.exceptions.PackageNotFoundError):
        raise Refused("The DOCX file is damaged, or no DOCX file.") from None
    if notes:
        lines += ["# 注释", *(f"[{number}] {text}" for number, text in notes.values())]
    return "\n".join(lines), f"python-docx {docx.__version__}"


def unpacked(content):
    """Refuse an archive that is no document, is locked, damaged or grows too large, before anything of it is parsed."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if "word/document.xml" not in archive.namelist():
                raise Refused("This is a packed file and no DOCX: unpack it first.")
            if any(member.flag_bits & 1 for member in members):
                raise Refused("The DOCX file is encrypted: save it without a password.")
            if len(members) > MEMBERS or sum(member.file_size for member in members) > UNPACKED:
                raise Refused(f"The DOCX file unpacks to more than {UNPACKED // 10**6} MB, or more parts than any has.")
            left = UNPACKED
            for member in members:
                with archive.open(member) as part:
                    while some := part.read(1 << 20):
                        left -= len(some)
                        if left < 0:
                            raise Refused(f"The DOCX file unpacks to more than {UNPACKED // 10**6} MB.")
                        if member.filename.endswith((".xml", ".rels")) and (
                            b"<!DOCTYPE" in some or b"<!ENTITY" in some
                        ):
                            raise Refused("The DOCX file declares entities, which no word processor does.")
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError) as error:
        raise Refused("The DOCX file is damaged or cut off.") from error


def notes_of(part, etree):
    """Return {(kind, id): (number, text)} of the footnotes and endnotes of a document, in the order of their parts."""
    found = {}
    for relation in part.rels.values():
        if relation.is_external or not relation.reltype.endswith(("/footnotes", "/endnotes")):
            continue
        kind = relation.reltype.rpartition("/")[2][:-1]
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        for note in etree.fromstring(relation.target_part.blob, parser):
            text = " ".join(filter(None, (said(line, kind, {}) for line in note.iter(f"{W}p")))).strip()
            if text and note.get(f"{W}type") in (None, "normal"):
                found[kind, note.get(f"{W}id")] = (len(found) + 1, text)
    return found


def blocks(body, part, notes):
    """Yield the lines of a document: a paragraph each, headings with # before them, the cells of a row on one line."""
    for block in body:
        if block.tag == f"{W}p":
            if text := said(block, "", notes).strip():
                level = level_of(block, part)
                yield f"{'#' * level} {text}" if level else text
        elif block.tag == f"{W}tbl":
            for row in block.iter(f"{W}tr"):
                cells = [" ".join(said(line, "", notes) for line in cell.iter(f"{W}p")) for cell in row.iter(f"{W}tc")]
                if text := "\t".join(cells).strip():
                    yield text
        elif block.tag == f"{W}sdt":
            for content in block.iter(f"{W}sdtContent"):
                yield from blocks(content, part, notes)


def said(paragraph, kind, notes):
    """Return the text of a paragraph as it stands, without what was deleted in it; what refers to a note is [n]."""
    found = []
    for node in paragraph.iter():
        if node.tag == f"{W}t":
            found.append(node.text or "")
        elif node.tag in (f"{W}tab", f"{W}br", f"{W}cr"):
            found.append(" ")
        elif node.tag in (f"{W}footnoteReference", f"{W}endnoteReference"):
            number, _text = notes.get((node.tag[len(W) : -9], node.get(f"{W}id")), ("", ""))
            found.append(f"[{number}]" if number else "")
    return "".join(found)


def level_of(paragraph, part):
    """Return the level of a heading by its style or outline, 0 of what is none."""
    style = paragraph.find(f"{W}pPr/{W}pStyle")
    names = [paragraph]
    if style is not None:
        styles = {one.get(f"{W}styleId"): one for one in part._styles_part.element.iter(f"{W}style")}
        one, seen = styles.get(style.get(f"{W}val")), set()
        while one is not None and one.get(f"{W}styleId") not in seen:
            seen.add(one.get(f"{W}styleId"))
            names.append(one)
            based = one.find(f"{W}basedOn")
            one = styles.get(based.get(f"{W}val")) if based is not None else None
    for node in names:
        name = node.find(f"{W}name")
        called = (name.get(f"{W}val") or "").lower() if name is not None else ""
        if called == "title" or called == "标题":
            return 1
        if found := re.fullmatch(r"(?:heading|标题)\s*([1-6])", called):
            return int(found[1])
        outline = node.find(f"{W}pPr/{W}outlineLvl")
        if outline is not None and (outline.get(f"{W}val") or "").isdigit() and int(outline.get(f"{W}val")) < 6:
            return int(outline.get(f"{W}val")) + 1
    return 0


# -- HTML --------------------------------------------------------------------------------------------------------------


def read_html(content):
    import trafilatura

    declared = DECLARED.search(content[:4096])
    text, _charset = decoded(content, declared[1].decode() if declared else "")
    if "\0" in text:
        raise Refused("The file holds a NUL character, so it is no HTML.")
    found = trafilatura.bare_extraction(
        text, favor_recall=True, include_comments=False, include_tables=True, with_metadata=True
    )
    if found is None or found.body is None:
        raise Refused("The page holds no text, or only menus and links.")
    lines = list(told_by(found.body))
    title = (found.title or "").strip()
    if title and not any(line.lstrip("# ") == title for line in lines[:5]):
        lines.insert(0, f"# {title}")
    return "\n".join(lines), f"trafilatura {trafilatura.__version__}"


def told_by(body):
    """Yield the lines of what trafilatura found: headings with # before them, entries of lists, rows of tables."""
    for node in body:
        if node.tag == "head":
            level = re.fullmatch(r"h([1-6])", node.get("rend") or "")
            yield f"{'#' * int(level[1] if level else 2)} {whole(node)}"
        elif node.tag == "list":
            yield from (text for item in node.iter("item") if (text := whole(item)))
        elif node.tag == "table":
            for row in node.iter("row"):
                yield "\t".join(whole(cell) for cell in row.iter("cell"))
        elif node.tag in ("div", "quote"):
            if len(node) and not (node.text or "").strip():
                yield from told_by(node)
            elif text := whole(node):
                yield text
        elif text := whole(node):
            yield text
        if (node.tail or "").strip():
            yield " ".join(node.tail.split())


def whole(node):
    return " ".join("".join(node.itertext()).split())


READERS = {"text": read_text, "pdf": read_pdf, "docx": read_docx, "html": read_html}
