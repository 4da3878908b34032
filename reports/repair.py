"""From the lines of an extracted text to its headings, paragraphs and notes.

A printed page is undone by general rules, none of which knows a document: lines that were broken at the margin are
joined, page numbers and running heads lifted out of the sentences that they stand in, notes tied to their marks. Every
character of the squeezed source (see portal.text) stands in exactly one `Piece`, so nothing is lost, and a piece knows
the spans that it came from. Nothing here touches the database.
"""

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from itertools import zip_longest

from portal.text import reflow, squeeze

HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
# What is set in a full square: see portal.text.is_wide.
SQUARE = re.compile(
    "[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6"
    "\U00020000-\U0003fffd“”‘’—…·①-⑨]"
)
NUMERALS = "一二三四五六七八九十百零〇两"
CIRCLED = {
    chr(code): number
    for number, code in enumerate([*range(0x2460, 0x2474), *range(0x3251, 0x3260), *range(0x32B1, 0x32C0)], 1)
}

ENDED = re.compile(r"[。！？!?…；;：:.][”’\"')）\]】》」』]*(?:[①-⑳■◆●□]|\[\d{1,3}\])*$")
STOPPED = re.compile(r"[。！？!?….][”’\"')）\]】》」』]*(?:[①-⑳]|\[\d{1,3}\])*$")
NEAR = 8  # lines before and after one that show where the margin is: columns and boxes have their own
MARGIN = 10  # half squares by which a line is shorter than a full one that was not broken for want of room
LOOSE = 3  # by which lines of Han that reach the margin may differ, and
LOOSER = 6  # lines with other letters among them
INDENT = 4  # by which the first line of a Chinese paragraph is indented, though the blanks may be lost
HEADING = 60  # characters of a heading at most, without its number
TITLE = 40  # characters of a heading without a number
CAPTION = re.compile(
    r"^(?:图|表|专栏|框|Figure|Fig\.|Table|Box|Chart)\s*[0-9一二三四五六七八九十]+[\s\u3000.:：、—-]*\S*"
)


class Kind(StrEnum):
    HEADING = "heading"
    PASSAGE = "passage"
    NOTE = "note"
    FURNITURE = "furniture"


@dataclass(eq=False)
class Line:
    """A printed line without the blanks around it. `start` and `end` lie in the squeezed source."""

    text: str
    start: int
    end: int
    left: str
    gap: int
    page: int
    kind: Kind | None = None
    place: int = 0  # among all lines
    full: int = 0  # the width of the lines around it that reach the margin

    @property
    def indent(self):
        """Whether it is printed further in, by two squares or more."""
        return "\u3000" in self.left or "\t" in self.left or len(self.left) > 1

    @cached_property
    def width(self):
        """How wide it is, in half squares."""
        return len(self.text) + len(SQUARE.findall(self.text))


@dataclass
class Piece:
    """A stretch of the source. `level` belongs to a heading, `mark` to a note; `role` says what a passage is, if known.

    `passage` is the place among the passages of the one that a note is tied to, `anchor` the span of its mark there.
    """

    kind: Kind
    text: str
    spans: list
    level: int = 0
    mark: str = ""
    role: str = ""
    passage: int | None = None
    anchor: tuple | None = None


@dataclass
class Repaired:
    """A text as it was meant: its pieces in the order of the source, notes and furniture beside what they interrupt."""

    pieces: list = field(default_factory=list)

    def of(self, kind):
        return [piece for piece in self.pieces if piece.kind == kind]

    @property
    def sections(self):
        return self.of(Kind.HEADING)

    @property
    def passages(self):
        return self.of(Kind.PASSAGE)

    @property
    def notes(self):
        return self.of(Kind.NOTE)


def repaired(text):
    """Return a text, as it was extracted, Repaired."""
    lines = printed(text)
    if not lines:
        return Repaired()
    page = Layout(lines)
    page.lift_page_numbers()
    page.lift_notes()
    page.lift_running_heads()
    page.set_apart_figures()
    runs = headed(page.paragraphs(), page)
    return assembled(runs, page)


# ---------------------------------------------------------------------------------------------------------------------
# Printed lines
# ---------------------------------------------------------------------------------------------------------------------


def printed(text):
    """Return the Lines of a text. A form feed begins a page; so does a line that alone of all begins with one blank."""
    found, start, gap, page, fed = [], 0, 0, 0, False
    for raw in re.split(r"\r\n|(?=\f)|[\n\r\v\x85\u2028\u2029]", text):
        fed = fed or raw.startswith("\f")
        line = raw.strip()
        if not line:
            gap += 1
            continue
        left = raw.removeprefix("\f")
        left = left[: len(left) - len(left.lstrip())]
        page += fed and bool(found)
        end = start + len(squeeze(line))
        found.append(Line(line, start, end, left, gap, page))
        start, gap, fed = end, 0, False
    if found and not page:
        begin_pages(found)
    return found


def begin_pages(lines):
    """Count pages by the lines that begin with a single blank, where that is rare."""
    single = [line.left == " " for line in lines]
    indented = sum(1 for line in lines if line.left and line.left != " ")
    if 1 < sum(single) < len(lines) / 8 and indented < len(lines) / 8:
        page = 0
        for place, (line, begins) in enumerate(zip(lines, single, strict=True)):
            page += begins and place > 0
            line.page = page


class Layout:
    """The lines of a text as they were set: how wide, how far apart, on which pages, and what of them is no text."""

    def __init__(self, lines):
        self.lines = lines
        self.notes = []  # [(mark, style, Lines)]
        self.figures = []  # Lines
        self.begun = []  # Lines with which a page begins, as its number before them shows
        self.words = set(re.findall(r"[A-Za-z]+(?:-[A-Za-z]+)*", " ".join(line.text for line in lines).lower()))
        for place, line in enumerate(lines):
            line.place = place
        self.measure()

    def measure(self):
        """Find how far apart the lines of the text stand, where the margin is, and whether paragraphs are indented.

        `full` of each line is that width among the lines around it, for columns and boxes have margins of their own.
        """
        lines = self.body
        gaps = Counter(line.gap for line in lines[1:])
        self.gap = min((gap for gap, n in gaps.items() if n >= 0.15 * len(lines)), default=0)
        wide = [line for line in lines if line.width > 20]
        self.latin = is_latin("".join(line.text for line in lines))
        around = Counter()
        for width, n in Counter(line.width for line in wide).items():
            for near in range(width - 4, width + 5):
                around[near] += n
        usual = max(around, key=lambda width: (around[width], width), default=0)
        near = [line for line in wide if abs(line.width - usual) <= 4]
        unended = sum(1 for line in near if not ENDED.search(line.text))
        self.wrapped = len(wide) >= 5 and usual <= 140 and len(near) >= 0.3 * len(wide) and unended >= 0.4 * len(near)
        indented = sum(1 for line in lines if line.indent)
        self.indents = self.wrapped and indented > 2 and 0.04 * len(lines) < indented < 0.7 * len(lines)
        self.full = self.margin([line.width for line in wide], usual)
        for place, line in enumerate(lines if self.wrapped else ()):
            some = lines[max(0, place - NEAR) : place + NEAR + 1]
            line.full = self.margin([other.width for other in some if other.page == line.page], self.full)

    def margin(self, widths, usual):
        """Return the width that lines reach which are about as wide as usual.

        Lines of Han mostly have the same; of Latin letters they are shorter by what did not fit.
        """
        near = sorted(width for width in widths if abs(width - usual) <= max(8, 0.12 * usual))
        if len(near) < 4:
            return usual
        counted = Counter(near)
        return near[int(len(near) * 0.8)] if self.latin else max(counted, key=lambda width: (counted[width], width))

    @property
    def body(self):
        """The lines that are text, so far as is known."""
        return [line for line in self.lines if line.kind is None]

    def is_short(self, line, following=None, begins=False):
        """Tell whether a line ends well before the margin, though what follows it would have found room there.

        A line that `begins` a paragraph may have been indented, though the blanks be lost.
        """
        room = line.full - line.width - (INDENT if begins and STOPPED.search(line.text) else 0)
        first = re.match(r"[A-Za-z0-9@:/._%-]*", following.text)[0] if following else ""
        if is_latin(line.text):
            return room > max(0.2 * line.full, len(first) + 1)
        least = MARGIN
        if STOPPED.search(line.text):
            least = (LOOSER if OTHER.search(line.text) else LOOSE) + 1
        return room >= least + (len(first) if len(first) > 2 else 0)

    # -- page numbers and running heads --------------------------------------------------------------------------------

    def lift_page_numbers(self):
        """Find lines that are only the number of a page: at its edge, or standing alone within a sentence."""
        lines = self.body
        for place, line in enumerate(lines):
            if not PAGE_NUMBER.fullmatch(line.text):
                continue
            before = lines[place - 1] if place else None
            after = lines[place + 1] if place + 1 < len(lines) else None
            edge = before is None or after is None or before.page != line.page or after.page != line.page
            alone = line.gap >= self.gap and after is not None and after.gap > self.gap
            if self.wrapped and (alone or edge and self.paged):
                line.kind = Kind.FURNITURE
                if alone and not edge and not any(mark.match(after.text) for mark in MARKS.values()):
                    self.begin_page(after)

    @property
    def paged(self):
        return self.lines[-1].page > 0

    def begin_page(self, first):
        """Begin a page with a line in the midst of one."""
        for line in self.lines[first.place :]:
            line.page += 1
        self.begun.append(first)

    def lift_running_heads(self):
        """Find lines that come again at the edges of pages, or anywhere within a sentence."""
        if not self.wrapped:
            return
        for line in self.begun:
            if (
                self.interrupts(line)
                and self.is_short(line)
                and not ENDED.search(line.text)
                and not numbered(line.text)
            ):
                line.kind = Kind.FURNITURE
        edges = set()
        for _page, some in grouped(self.lines, lambda line: line.page):
            edges |= {id(line) for line in (*some[:2], *some[-2:])}
        alike = defaultdict(list)
        for line in self.body:
            if len(line.text) <= 60 and not STOPPED.search(line.text) and not numbered(line.text):
                alike[re.sub(r"\d+", "#", squeeze(line.text))].append(line)
        for said, some in alike.items():
            if len(some) < 2 or said.strip("#·-–—") == "":
                continue
            framed = re.fullmatch(r"([·•—–\-|]).+\1", said)
            at_edge = self.paged and all(id(line) in edges for line in some) and len({line.page for line in some}) > 1
            if framed or at_edge or all(self.is_short(line) and self.interrupts(line) for line in some):
                for line in some:
                    line.kind = Kind.FURNITURE

    def interrupts(self, line):
        """Tell whether a line stands within a sentence."""
        place = line.place - 1
        while place >= 0 and self.lines[place].kind is not None:
            place -= 1
        return place >= 0 and line is not self.lines[-1] and not ENDED.search(self.lines[place].text)

    # -- notes ---------------------------------------------------------------------------------------------------------

    def lift_notes(self):
        """Find the notes at the foot of each page: their marks count up to its end, and stand in the text above too."""
        for line in self.body:
            if re.fullmatch(r"[_—–\-=*·.\s]{3,}", line.text):
                line.kind = Kind.FURNITURE
        for _page, lines in grouped(self.body, lambda line: line.page):
            for style in MARKS:
                if notes := self.foot(lines, style):
                    self.notes += notes
                    for _mark, _style, some in notes:
                        for line in some:
                            line.kind = Kind.NOTE
                    break
        self.measure()

    def foot(self, lines, style):
        """Return [(mark, style, Lines)] of the notes of one style at the foot of a page, or none."""
        begun = [
            (place, found[0], number_of(found[0]))
            for place, line in enumerate(lines)
            if (found := MARKS[style].match(line.text))
        ]
        first = len(begun) - 1
        while first > 0 and begun[first - 1][2] == begun[first][2] - 1 and begun[first - 1][0] > 0:
            first -= 1
        begun = [one for one in begun[max(first, 0) :] if one[0] > 0]
        while begun:
            above = lines[: begun[0][0]]
            marks = [mark.strip() for _place, mark, _number in begun]
            told = [any(within(mark, line.text, style) for line in above) for mark in marks]
            if all(told) if style == "digit" else any(told):
                break
            begun = begun[1:]
        if not begun or not self.paged and style == "digit" or is_list(lines[begun[0][0] - 1].text):
            return []
        ends = [place for place, _mark, _number in begun[1:]] + [len(lines)]
        if not self.paged:  # where the page ends is not known: a note ends with its sentence
            ends[-1] = next(
                (place + 1 for place in range(begun[-1][0], len(lines)) if STOPPED.search(lines[place].text)),
                len(lines),
            )
        return [
            (mark.strip(), style, lines[place:end]) for (place, mark, _number), end in zip(begun, ends, strict=True)
        ]

    # -- figures -------------------------------------------------------------------------------------------------------

    def set_apart_figures(self):
        """Find captions, and the short lines above or below them that belong to no paragraph."""
        lines = self.body
        for place, line in enumerate(lines):
            if not (
                self.wrapped and CAPTION.match(line.text) and not STOPPED.search(line.text) and len(line.text) < 60
            ):
                continue
            around = [line]
            table = re.match("表|Table", line.text)
            rest = lines[place + 1 :] if table else reversed(lines[:place])
            for other in rest:
                if other.width > 0.75 * other.full or numbered(other.text) and not table:
                    break
                around.append(other)
            if not table and len(around) > 1 and STOPPED.search(around[-1].text):
                around.pop()  # the last line of the paragraph before
            self.figures.append(sorted(around, key=lambda one: one.start))
        for some in self.figures:
            for line in some:
                line.kind = Kind.PASSAGE

    # -- paragraphs ----------------------------------------------------------------------------------------------------

    def paragraphs(self):
        """Return the Runs of the text: paragraphs and headings, each of the lines that belong together."""
        found = []
        lines = self.body
        for line, after in zip_longest(lines, lines[1:]):
            if found and self.goes_on(found[-1], line, after):
                found[-1].append(line)
            else:
                found.append([line])
        return [Run.of(lines, role="") for lines in found] + [Run.of(lines, role="figure") for lines in self.figures]

    def goes_on(self, lines, following, after):
        """Tell whether a line belongs to the paragraph, or heading, of the lines before it; `after` is the next one."""
        last = lines[-1]
        if not self.wrapped or SHARPS.match(last.text) or SHARPS.match(following.text):
            return False
        turned, ended = following.page != last.page, ENDED.search(last.text)
        if numbered(lines[0].text) and len(lines) == 1 and not ended:
            if following.indent and not turned and not self.indents:
                return True
            if self.is_indented(following) or last.full - last.width > LOOSE + INDENT:
                return False
        if self.indents and following.indent and (ended or not lines[-1].indent):
            return False
        if not ended and re.match(r"[a-z]", following.text) and following.gap <= self.gap + turned:
            return True  # a sentence, or a word
        if self.is_short(last, following, begins=len(lines) == 1) or LABEL.match(following.text):
            return False
        if len(lines) == 1 and self.is_title(last, following):
            return False
        begins = numbered(following.text) or MARKS["bracketed"].match(following.text)
        if ended and (begins or self.is_indented(following) or self.is_set_off(following, after)):
            return False
        return not ended or following.gap <= self.gap + turned

    def is_title(self, line, following):
        """Tell whether a line at the head of a page is a title that reaches the margin, before a paragraph begins."""
        first = line.place == 0 or self.lines[line.place - 1].page != line.page
        return first and not ENDED.search(line.text) and self.is_indented(following)

    def is_set_off(self, line, after):
        """Tell whether a line stands alone, as a heading does, before what follows it at a distance."""
        return after is not None and after.gap > self.gap and self.is_short(line) and not ENDED.search(line.text)

    def is_indented(self, line):
        """Tell whether a line lacks the two squares by which the first one of a Chinese paragraph is indented."""
        mixed = OTHER.search(line.text) and not RUN_IN.match(line.text)
        return not mixed and abs(line.full - line.width - INDENT) <= 1


# ---------------------------------------------------------------------------------------------------------------------
# What lines say of themselves
# ---------------------------------------------------------------------------------------------------------------------

PAGE_NUMBER = re.compile(
    r"[-–—·•\s]*(?:\d{1,4}|[ivxlc]{1,6}|第\s*\d{1,4}\s*页(?:\s*[,，/]?\s*共\s*\d{1,4}\s*页)?"
    r"|(?:Page|p\.)\s*\d{1,4}(?:\s*(?:of|/)\s*\d{1,4})?|\d{1,4}\s*/\s*\d{1,4})[-–—·•\s]*",
    re.IGNORECASE,
)
MARKS = {
    "circled": re.compile(r"[①-⑳㉑-㉟㊱-㊿]\s*"),
    "bracketed": re.compile(r"[\[［〔]\d{1,3}[\]］〕]\s*"),
    "starred": re.compile(r"(?:\*{1,3}|†{1,2}|‡)\s*(?=\S)"),
    "digit": re.compile(r"\d{1,3}(?:[.．]\s*|\s+)(?=\D)"),
}
NUMBER = f"[{NUMERALS}]{{1,3}}"
# How headings are numbered, from the widest to the narrowest.
FORMS = [
    re.compile(rf"第(?:{NUMBER}|\d{{1,3}})(?:编|篇|部分|卷)(?![，,])\s*|(?:Part|PART)\s+(?:[IVX]+|\d+)\b[.:：]?\s*"),
    re.compile(rf"第(?:{NUMBER}|\d{{1,3}})章\s*|(?:Chapter|CHAPTER)\s+(?:[IVX]+|\d+)\b[.:：]?\s*"),
    re.compile(rf"第(?:{NUMBER}|\d{{1,3}})节\s*|(?:Appendix|APPENDIX|Annex|ANNEX)\s+(?:[A-Z]|\d+)\b[.:：]?\s*"),
    re.compile(rf"{NUMBER}、\s*|[IVX]{{1,5}}\.\s+"),
    re.compile(rf"[（(]{NUMBER}[)）]\s*"),
    re.compile(r"\d{1,2}(?:[、．]\s*|\.\s+|\.(?=[^\d\s.])|[ \u3000]+(?=[^\d\s%年月日]))"),
    re.compile(r"\d{1,2}[.．]\d{1,2}[.．]?(?![\d.．%])\s*"),
    re.compile(r"\d{1,2}(?:[.．]\d{1,2}){2}[.．]?(?![\d.．%])\s*"),
    re.compile(r"\d{1,2}(?:[.．]\d{1,2}){3}[.．]?(?![\d.．%])\s*"),
    re.compile(r"[（(]\d{1,2}[)）]\s*|[A-Z]\.\s+"),
]
OTHER = re.compile(r"[A-Za-z0-9]")
RUN_IN = re.compile(rf"第{NUMBER}[，,]|首先|其次|再次|再者|最后|此外|另外|{NUMBER}是|一方面|另一方面")
SHARPS = re.compile(r"(#{1,6})\s+")
NAMED = re.compile(
    r"(?:内容)?(?:摘要|提要)|前言|序言?|引言|导言|导论|绪论|结语|结论|结束语|余论|后记|致谢|附录|附件|注释|尾注|参考文献|参考资料|"
    r"目录|关于我们|作者简介|Abstract|Summary|Executive Summary|Foreword|Preface|Introduction|Background|Conclusions?|"
    r"Recommendations|Acknowledge?ments|Notes|Endnotes|References|Bibliography|Works Cited|Contents|About the Authors?",
    re.IGNORECASE,
)
LABEL = re.compile(
    r"[【\[［]?\s*((?:内\s*容\s*)?(?:摘|提)\s*要|Abstract|Summary|关\s*键\s*词|Key\s?words)\s*(?:[】\]］]\s*[:：]?|[:：])\s*",
    re.IGNORECASE,
)
LISTED = re.compile(r"参考文献|参考资料|注释|尾注|References|Bibliography|Works Cited|Notes|Endnotes", re.IGNORECASE)
ABSTRACT = re.compile(r"(?:内容)?(?:摘|提)要|Abstract|Executive Summary|Summary", re.IGNORECASE)
ATTENDED = re.compile(r"参会者|与会者|参加者|出席|名单|代表团|Participants|Attendees", re.IGNORECASE)
DATED = re.compile(r"[\d\s年月日号至~～\-—–.,/:：]+|.*(?:\d{4}\s*[年\-/.]).*")


def numbered(text):
    """Return (rank of the form, length of the number) of a text that begins as numbered headings do, else None."""
    for rank, form in enumerate(FORMS):
        if found := form.match(text):
            return rank, found.end()
    return None


def is_note(line):
    return line.kind == Kind.NOTE


def is_named(text):
    """Tell whether a text is what parts of documents are called."""
    return bool(NAMED.fullmatch(squeeze(text)) or NAMED.fullmatch(text))


def is_list(text):
    """Tell whether a heading is that of a list of references or notes."""
    return bool(LISTED.fullmatch(squeeze(SHARPS.sub("", text))))


def is_latin(text):
    """Tell whether a text is mostly set in Latin letters."""
    return len(SQUARE.findall(text)) < len(text) / 4


def number_of(mark):
    """Return the number that a mark stands for."""
    if digits := re.search(r"\d+", mark):
        return int(digits[0])
    return CIRCLED.get(mark.strip()) or len(mark.strip())


def within(mark, text, style):
    """Return the (start, end) at which a mark stands in running text, [] where it does not."""
    said = re.escape(mark.rstrip(".．"))
    if style == "digit":
        said = rf"(?<=[A-Za-z{HAN}”’\"')）.,;:。，；：])(?<!\d[.,]){said}(?![\d.,]*\d)(?!\s*[%年月日])"
    return [found.span() for found in re.finditer(said, text)]


def grouped(rows, key):
    """Return [(key, rows)] of rows that follow one another with the same key."""
    found = []
    for row in rows:
        if not found or found[-1][0] != key(row):
            found.append((key(row), []))
        found[-1][1].append(row)
    return found


# ---------------------------------------------------------------------------------------------------------------------
# Runs of text
# ---------------------------------------------------------------------------------------------------------------------


@dataclass
class Run:
    """Lines that belong together, broken as printed, and the spans that they came from. `level` makes it a heading."""

    text: str
    spans: list
    role: str = ""
    level: int = 0
    lines: list = field(default_factory=list)

    @classmethod
    def of(cls, lines, role=""):
        return cls(
            "\n".join(line.text for line in lines), merged((line.start, line.end) for line in lines), role, 0, lines
        )

    @property
    def start(self):
        return self.spans[0][0]

    def cut(self, start, end=None):
        """Return the part of the run between two places of its text."""
        part = self.text[start:end]
        return replace(self, text=part, spans=window(self.spans, len(squeeze(self.text[:start])), len(squeeze(part))))

    def without(self, start, end):
        before, after = self.cut(0, start), self.cut(end)
        return replace(self, text=before.text + after.text, spans=merged([*before.spans, *after.spans]))


def merged(spans):
    """Return spans in their order, those that touch as one."""
    found = []
    for start, end in spans:
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        elif start < end:
            found.append((start, end))
    return found


def window(spans, skip, take):
    """Return the `take` characters of spans behind the first `skip`."""
    found = []
    for start, end in spans:
        from_here = min(skip, end - start)
        skip -= from_here
        here = min(take, end - start - from_here)
        take -= here
        if here:
            found.append((start + from_here, start + from_here + here))
    return found


ADDRESS = re.compile(r"(?:https?://|www\.|doi\.org/)[^\s，。；、）》”]*$", re.IGNORECASE)


def joined(text, words=frozenset()):
    """Return printed lines as they read: no blank between Han, words whole again, addresses mended."""
    first, *rest = text.split("\n")
    for line in rest:
        first = join(first.rstrip(), line.lstrip(), words)
    return reflow(first).strip()


def join(before, after, words):
    token = re.match(r"[!-~]*", after)[0]
    if ADDRESS.search(before) and token and not token.startswith("http"):
        mends = before[-1] in "/-_?=&%#~" or token[0] in "/-_.?=&%#~" or "/" in token or token.count("-") > 1
        if mends and (before[-1] not in ".," or "/" in token):
            return before + after
    if before.endswith("\u00ad"):
        return before[:-1] + after
    if (head := re.search(r"([A-Za-z]+)-$", before)) and (tail := re.match(r"[a-z]+", after)):
        whole, apart = head[1] + tail[0], f"{head[1]}-{tail[0]}"
        keep = apart.lower() in words and whole.lower() not in words
        return before + after if keep else before[:-1] + after
    return f"{before}\n{after}"


# ---------------------------------------------------------------------------------------------------------------------
# Headings
# ---------------------------------------------------------------------------------------------------------------------


def headed(runs, page):
    """Return Runs in the order of the text, with headings found, cut off from what they are glued to, and levelled."""
    runs = sorted(runs, key=lambda run: run.start)
    clean = [joined(run.text) for run in runs]
    glued = Counter(found[0] for text in clean if (found := run_in(text)))
    found = []
    for place, (run, text) in enumerate(zip(runs, clean, strict=True)):
        following = clean[place + 1] if place + 1 < len(clean) else ""
        if run.role:
            found.append((None, run))
        elif label := LABEL.match(run.text):
            found += labelled(run, label)
        elif wide := padded(run):
            found += wide
        elif (rank := rank_of(run, text, following, runs, place, page)) is not None:
            found.append((rank, run))
        else:
            found += unglued(run, text, glued)
    spare_lists(found)
    widest = min((rank for rank, run in found if rank is not None and rank >= 0), default=NAMELESS)
    above = []
    for rank, run in found:
        if rank is None:
            continue
        named = is_named(joined(run.text))
        rank = widest if rank == NAMELESS and named else rank
        while above and above[-1] >= rank:
            above.pop()
        run.level = len(above) + 1
        if not named:
            above.append(rank)
    return [run for _rank, run in found]


WIDE = re.compile(r"[ \u3000]{2,}(?=\S{15})")
NAMELESS = -1  # rank of a heading without a number


def rank_of(run, text, following, runs, place, page):
    """Return the rank of a run that is a heading, or None."""
    if sharps := SHARPS.match(run.text):
        number = numbered(run.text[sharps.end() :])
        return len(sharps[1]) - 10 + (number[0] / 100 + 0.01 if number else 0)
    if is_named(text):
        return NAMELESS
    if number := numbered(run.text):
        rank, length = number
        said = joined(run.text[length:])
        if not said or len(said) > HEADING or re.search(r"[。；！？]\S", said) or said.endswith(("；", "，", ",", ";")):
            return None
        if STOPPED.search(said) and (
            len(said) > 45 or not following or numbered(runs[place + 1].text) or is_latin(said)
        ):
            return None
        return None if ENDED.search(said) and said[-1] in "：:" else rank
    return NAMELESS if stands_alone(run, text, following, runs, place, page) else None


def stands_alone(run, text, following, runs, place, page):
    """Tell whether a short run without a number is set as a heading is."""
    bare = MARKS["circled"].sub("", text).strip()
    if not bare or len(bare) > TITLE * (2 if is_latin(bare) else 1) or len(run.lines) > 3:
        return False
    if ENDED.search(text) or DATED.fullmatch(bare) or re.match(r"[\[（(〔【*·]", bare) or not following:
        return False
    first, last = run.lines[0], run.lines[-1]
    after = runs[place + 1].lines[0] if place + 1 < len(runs) and runs[place + 1].lines else None
    if page.wrapped:
        short = page.is_short(last) or len(run.lines) == 1 and after is not None and page.is_title(last, after)
        set_off = place == 0 or first.gap > page.gap or first.page != runs[place - 1].lines[-1].page
        return short and set_off and (after is None or after.gap > page.gap or len(following) > TITLE)
    return (place == 0 or len(following) > 2 * TITLE or bool(ATTENDED.search(bare))) and "，" not in bare


def spare_lists(found):
    """Take short lines for entries of a list, not for headings, where they follow one another: the first may be one."""
    nameless = [rank == NAMELESS and not is_named(joined(run.text)) for rank, run in found]
    start = 0
    for alike, some in grouped(nameless, bool):
        streak = range(start, start + len(some))
        start += len(some)
        if not alike or len(streak) < 3:
            continue
        for place in streak:
            run, after = found[place][1], found[place + 1][1] if place + 1 in streak else None
            opens = after is not None and run.lines[0].gap > after.lines[0].gap
            if not (opens or ATTENDED.search(run.text)):
                found[place] = (None, replace(run, role="entry"))
        if start == len(found) - 1 and len(found[start][1].text) <= TITLE:
            found[start] = (None, replace(found[start][1], role="entry"))


def run_in(text):
    """Return (rank, length) of a numbered heading that ends with a full stop within its paragraph, else None."""
    number = numbered(text)
    if number and (found := re.match(r"[^。，；：]{2,20}。(?=.{10})", text[number[1] :])):
        return number[0], number[1] + found.end()
    return None


def unglued(run, text, glued):
    """Return [(rank or None, Run)] of a paragraph, with the headings cut off that are glued to its begin or end."""
    if (found := run_in(text)) and glued[found[0]] > 1 and (end := run.text.find("。") + 1):
        return [(found[0], run.cut(0, end)), (None, run.cut(end))]
    tail = re.search(rf"(?<=[。！？])\s*((?:{NUMBER}、|（{NUMBER}）)[^。；，：]{{2,30}})$", run.text)
    if tail and tail.start(1) > 0:
        return [(None, run.cut(0, tail.start(1))), (numbered(tail[1])[0], run.cut(tail.start(1)))]
    return [(None, run)]


def padded(run):
    """Return the heading and the text of a paragraph that has nothing but a wide blank between them, else []."""
    number = numbered(run.text)
    wide = number and WIDE.search(run.text, number[1])
    if not wide or not 2 <= wide.start() - number[1] <= TITLE or "。" in run.text[: wide.start()]:
        return []
    return [(number[0], run.cut(0, wide.start())), (None, run.cut(wide.end()))]


def labelled(run, label):
    """Return the heading and the text of an abstract, or of key words, that begins on the same line."""
    head, rest = run.cut(0, label.end()), run.cut(label.end())
    if ABSTRACT.fullmatch(squeeze(label[1])):
        return [(NAMELESS, head)] + [(None, replace(rest, role="abstract"))] * bool(rest.text.strip())
    return [(None, replace(run, role="keywords"))]


# ---------------------------------------------------------------------------------------------------------------------
# Pieces
# ---------------------------------------------------------------------------------------------------------------------


def assembled(runs, page):
    """Return Repaired: the runs as headings and passages, the notes tied, everything in the order of the source."""
    notes = tied(runs, page)
    found, under = [], ""
    for run in runs:
        text = joined(run.text, page.words)
        if run.level:
            under = heading(run.text, page.words)
            found.append(Piece(Kind.HEADING, under, run.spans, level=run.level))
            continue
        if is_list(under) and (entry := entry_of(text)):
            found.append(Piece(Kind.NOTE, text[len(entry) :].strip(), run.spans, mark=entry.strip(), role="reference"))
            continue
        role = run.role or ("abstract" if ABSTRACT.fullmatch(squeeze(under)) else "")
        if role == "entry" or ATTENDED.search(under) and len(text) <= HEADING and not STOPPED.search(text):
            text = " ".join(run.text.split())  # a name and a post have nothing but a blank between them
            role = "participant" if ATTENDED.search(under) else "entry"
        found.append(Piece(Kind.PASSAGE, text, run.spans, role=role))
    passages = [piece for piece in found if piece.kind == Kind.PASSAGE]
    starts = [piece.spans[0][0] for piece in passages]
    for note, anchor in notes:
        note.anchor = anchor
        found.append(note)
        if anchor is not None and passages:
            note.passage = place_of(anchor, passages, starts)
    tie_references([piece for piece in found if piece.role == "reference"], passages)
    found += [
        Piece(Kind.FURNITURE, line.text, [(line.start, line.end)]) for line in page.lines if line.kind == Kind.FURNITURE
    ]
    return Repaired(sorted(found, key=lambda piece: body_of(piece)[0]))


def heading(text, words):
    """Return a heading without its padding; a number that ends in a digit keeps a blank behind it."""
    whole = joined(LABEL.sub(r"\1", SHARPS.sub("", text)), words)
    whole = squeeze(whole) if not is_latin(whole) and not re.search(r"[A-Za-z] [A-Za-z]", whole) else whole
    number = re.match(r"(\d+(?:[.．]\d+)*[.．]?)[ \u3000]", text)
    return f"{number[1]} {whole.removeprefix(number[1]).strip()}" if number else whole


def entry_of(text):
    """Return the mark that an entry of a list of references begins with, or "" where it has none."""
    for style in ("bracketed", "circled", "digit"):
        if found := MARKS[style].match(text):
            return found[0]
    return ""


def tied(runs, page):
    """Return [(Piece, anchor or None)] of the notes; marks that they are tied to are taken out of the runs."""
    starts = {number: some[0].start for number, some in grouped(page.lines, lambda line: line.page)}
    found, ended = [], {}
    for _mark, _style, lines in page.notes:
        ended[lines[0].page] = lines[-1].end
    for mark, style, lines in page.notes:
        whole = Run.of(lines)
        text = joined(whole.text, page.words)[len(mark) :].lstrip(" .．")
        piece = Piece(Kind.NOTE, text, whole.spans, mark=mark)
        low = starts[lines[0].page]
        before = max((end for number, end in ended.items() if number < lines[0].page), default=0)
        at = mark_in(runs, mark, style, low, whole.start) or mark_in(runs, mark, style, before, low)
        if at is None:
            found.append((piece, None))
            continue
        run, start, end = at
        anchor = run.cut(start, end).spans
        rest = run.without(start, end)
        run.text, run.spans = rest.text, rest.spans
        if not rest.spans:  # there was nothing but the mark
            runs[:] = [other for other in runs if other is not run]
        piece.spans = sorted([*anchor, *whole.spans])
        found.append((piece, anchor[0]))
    return found


def mark_in(runs, mark, style, low, high):
    """Return (Run, start, end in its text) of the first such mark between two places of the source, or None."""
    first = max(0, bisect_right(runs, low, key=lambda run: run.start) - 1)
    last = bisect_right(runs, high, key=lambda run: run.start)
    for run in runs[first:last]:
        for start, end in within(mark, run.text, style):
            if (spans := run.cut(start, end).spans) and low <= spans[0][0] < high:
                return run, start, end
    return None


def body_of(piece):
    """Return the first span of a piece, of a note that of its text and not that of its mark."""
    spans = [span for span in piece.spans if span != piece.anchor] or piece.spans
    return spans[0]


def place_of(anchor, passages, starts):
    """Return the place of the passage that a mark stands in, or that follows the heading it stands in."""
    place = max(0, bisect_right(starts, anchor[0]) - 1)
    inside = any(start <= anchor[0] <= end for start, end in passages[place].spans)
    return place if inside else min(bisect_right(starts, anchor[0]), len(passages) - 1)


REFERS = {
    "bracketed": re.compile(r"[\[［〔](\d{1,3})(?:\s*[,，\-–—~]\s*\d{1,3})*[\]］〕]"),
    "circled": re.compile(r"([①-⑳㉑-㉟㊱-㊿])"),
    "digit": re.compile(rf"(?<=[A-Za-z{HAN}”’\"')）.,;:。，；：])(?<!\d[.,])(\d{{1,3}})(?![\d.,]*\d)(?!\s*[%年月日])"),
}


def tie_references(notes, passages):
    """Tie the entries of lists of references to the first passages that bear their numbers, which stay in the text."""
    for style, refers in REFERS.items():
        some = [note for note in notes if (MARKS[style] if style != "digit" else NUMBERED_ENTRY).fullmatch(note.mark)]
        first = {}
        for place, passage in enumerate(passages if some else ()):
            for found in refers.finditer(passage.text):
                first.setdefault(number_of(found[1]), place)
        for note in some:
            note.passage = first.get(number_of(note.mark))


NUMBERED_ENTRY = re.compile(r"\d{1,3}[.．]?")
