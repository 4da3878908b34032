"""The dossier: one JSON file per publication, one for the shared vocabulary, one for the relations between them.

A dossier is the door by which a coded corpus comes in and goes out. This module knows the form: reading a file,
checking it against the published JSON Schema (`dossier.schema.json`) and against itself, writing it canonically. What
needs the database is in `recommendations.ingest` and `recommendations.dump`.

Every fault names the place inside the file as a JSON path (`$.reports[0].recommendations[3].areas[0]`) and a reason.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.core.exceptions import ValidationError

from portal.text import SPAN_MAX, SPAN_MIN, validate_partial_date

FORMAT = "duizhao/1"
SCHEMA_PATH = Path(__file__).with_name("dossier.schema.json")
MAX_BYTES = 20_000_000
MAX_FAULTS = 50
MAX_DEPTH = 3
SYMMETRIC = ("agrees", "contradicts")  # relations that are said of both ends alike, and therefore stand once


@dataclass(frozen=True)
class Fault:
    path: str
    reason: str

    def __str__(self):
        return f"{self.path}: {self.reason}"


class DossierError(Exception):
    """A dossier is refused, whole. `faults` lists what is wrong and where."""

    def __init__(self, name, faults):
        self.name, self.faults = name, list(faults)
        super().__init__("\n".join(f"{name}: {fault}" for fault in self.faults[:MAX_FAULTS]))


class DuplicateMember(ValueError):
    """An object of a JSON file names one member twice."""


@cache
def schema():
    """Return the JSON Schema of a dossier."""
    return json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))


def json_path(steps):
    """Return the JSON path of a sequence of member names and indexes."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def distinct_members(pairs):
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DuplicateMember(f"the member “{twice}” stands twice in one object.")
    return members


def read(path):
    """Return the checked content of a dossier file. Raises DossierError with every fault found."""
    path = Path(path)

    def refuse(reason):
        return DossierError(path.name, [Fault("$", reason)])

    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise refuse(f"the file has {size:,} bytes; a dossier has at most {MAX_BYTES:,}.")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise refuse(f"the file cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise refuse(f"the file is not UTF-8 (byte {error.start}).") from error
    try:
        data = json.loads(text, object_pairs_hook=distinct_members)
    except DuplicateMember as error:
        raise refuse(str(error)) from error
    except json.JSONDecodeError as error:
        raise refuse(f"this is not JSON: {error.msg} in line {error.lineno}, column {error.colno}.") from error
    except RecursionError as error:
        raise refuse("the file is nested too deeply to be a dossier.") from error
    faults = list(schema_faults(data)) or list(own_faults(data))
    if faults:
        raise DossierError(path.name, faults)
    return data


def schema_faults(data):
    """Yield where the data departs from the JSON Schema, the most telling fault of each place."""
    kind = data.get("kind") if isinstance(data, dict) else None
    if kind not in FAULTS_OF:
        known = ", ".join(f"“{name}”" for name in FAULTS_OF)
        yield Fault("$.kind", f"there is no such kind of dossier; there are {known}.")
        return
    if fitting({"$ref": f"#/$defs/{kind}"})(data):
        return
    from jsonschema import Draft202012Validator  # here, for it takes its time to import and the good need it not

    validator = Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": schema()["$defs"]})
    for count, error in enumerate(validator.iter_errors(data)):
        if count == MAX_FAULTS:
            return
        message = error.message if len(error.message) < 300 else f"{error.message[:120]} … {error.message[-120:]}"
        yield Fault(json_path(error.absolute_path), message)


TYPES = {"object": dict, "array": list, "string": str, "integer": int}
# {word of the schema: function(what it says) -> function(value) -> whether it holds}, in the order in which they are
# asked: whoever asks how long a value is has been told that it has a length.
CHECKS = {
    "$ref": lambda at: definition(at.rpartition("/")[2]),
    "type": lambda name: lambda value: type(value) is TYPES[name],
    "const": lambda one: lambda value: type(value) is type(one) and value == one,
    "enum": lambda some: lambda value: type(value) is type(some[0]) and value in some,
    "minLength": lambda n: lambda value: len(value) >= n,
    "maxLength": lambda n: lambda value: len(value) <= n,
    "pattern": lambda pattern: re.compile(pattern).search,
    "minimum": lambda n: lambda value: value >= n,
    "maximum": lambda n: lambda value: value <= n,
    "minItems": lambda n: lambda value: len(value) >= n,
    "maxItems": lambda n: lambda value: len(value) <= n,
    "items": lambda rule: each(fitting(rule)),
    "uniqueItems": lambda _true: lambda value: len(set(value)) == len(value),
    "required": lambda names: lambda value: value.keys() >= set(names),
    "dependentRequired": lambda needs: (
        lambda value: all(value.keys() >= {*needs[name]} for name in value if name in needs)
    ),
    "properties": lambda rules: members({name: fitting(rule) for name, rule in rules.items()}),
    "oneOf": lambda rules: just_one([*map(fitting, rules)]),
}
SAYING = {"description", "additionalProperties"}  # `members` allows no other


def fitting(rule):
    """Return a function that tells whether a value fits a rule of the schema, twenty times faster than `jsonschema`.

    It knows the words that our schema has, and says no to 1.0 where an integer is wanted; what it refuses, `jsonschema`
    decides, and explains.
    """
    if unknown := rule.keys() - CHECKS.keys() - SAYING:
        raise ValueError(f"No check for {', '.join(sorted(unknown))}.")
    checks = [check(rule[word]) for word, check in CHECKS.items() if word in rule]

    def fits(value):
        for check in checks:
            if not check(value):
                return False
        return True

    return checks[0] if len(checks) == 1 else fits


def members(checks):
    """Return a function that tells whether an object has no members but these, {name: check}, and all fit."""

    def fits(value):
        return value.keys() <= checks.keys() and all(checks[name](one) for name, one in value.items())

    return fits


def each(fits):
    return lambda value: all(map(fits, value))


def just_one(checks):
    return lambda value: sum(check(value) for check in checks) == 1


@cache
def definition(name):
    """Return the `fitting` of a definition of the schema."""
    return fitting(schema()["$defs"][name])


def own_faults(data):
    """Yield what the schema cannot say: duplicate keys, circles, impossible dates, spans that lie elsewhere."""
    yield from FAULTS_OF[data["kind"]](data)


def vocabulary_faults(data):
    for part, rows in data.items():
        if isinstance(rows, list):
            yield from duplicates(rows, "slug", (part,))
            for index, row in enumerate(rows):
                yield from date_faults(row, (part, index))
    for part in ("areas", "subjects"):
        yield from circle_faults(data.get(part, []), "slug", (part,))
    for index, framework in enumerate(data.get("frameworks", [])):
        yield from duplicates(framework["dimensions"], "slug", ("frameworks", index, "dimensions"))


def publication_faults(data):
    reports = data["reports"]
    yield from duplicates(reports, "slug", ("reports",))
    if "part_of" in reports[0]:
        yield Fault("$.reports[0].part_of", "the first report of a dossier is the whole publication.")
    keys = {report["slug"]: {row["key"] for row in report.get("recommendations", [])} for report in reports}
    for index, report in enumerate(reports):
        at = ("reports", index)
        if index and report.get("part_of") != reports[0]["slug"]:
            yield Fault(json_path((*at, "part_of")), f"a further report is part of “{reports[0]['slug']}”.")
        yield from date_faults(report, at)
        if bool(report.get("date")) != bool(report.get("date_kind")):
            yield Fault(
                json_path((*at, "date_kind")), "a date says what it is; without a date there is nothing to say."
            )
        source = report.get("source", {})
        if source.get("end", 1) <= source.get("start", 0):
            yield Fault(json_path((*at, "source", "end")), "the stretch of the source ends before it starts.")
            continue
        for part in ("sections", "recommendations", "positions", "ratings", "citations"):
            yield from duplicates(report.get(part, []), "key", (*at, part))
        for part in ("sections", "recommendations"):
            yield from circle_faults(report.get(part, []), "key", (*at, part))
            yield from depth_faults(report.get(part, []), (*at, part))
        for number, section in enumerate(report.get("sections", [])):
            yield from span_faults(section, source, (*at, "sections", number), limits=None)
        for part in ("recommendations", "positions", "ratings", "mentions", "resolutions", "citations"):
            for number, row in enumerate(report.get(part, [])):
                here = (*at, part, number)
                for place, span in enumerate(row.get("evidence", [])):
                    yield from span_faults(span, source, (*here, "evidence", place))
                if part != "citations" and not row.get("evidence"):
                    yield Fault(json_path(here), "there is no evidence.")
                yield from date_faults(row, here)
                spans = [(span["start"], span["end"]) for span in row.get("evidence", [])]
                if len(set(spans)) < len(spans):
                    yield Fault(json_path((*here, "evidence")), "one span stands here twice.")
        for number, row in enumerate(report.get("recommendations", [])):
            here = (*at, "recommendations", number)
            yield from voice_faults(row, "made_by", here)
            for place, key in enumerate(row.get("restates", [])):
                slug, _, key = key.rpartition("/")
                slug = slug or report["slug"]
                if key not in keys.get(slug, ()) or (slug, key) == (report["slug"], row["key"]):
                    reason = f"there is no other recommendation “{slug}/{key}” in this dossier."
                    yield Fault(json_path((*here, "restates", place)), reason)
        for number, row in enumerate(report.get("positions", [])):
            here = (*at, "positions", number)
            yield from voice_faults(row, "holder", here)
            if (key := row.get("recommendation")) and key not in keys[report["slug"]]:
                yield Fault(json_path((*here, "recommendation")), f"this report has no recommendation “{key}”.")
        for number, row in enumerate(report.get("ratings", [])):
            if row["basis"] == "explicit" and not row.get("level"):
                yield Fault(json_path((*at, "ratings", number, "level")), "a rating stated outright has a level.")


def relation_faults(data):
    seen = set()
    for index, row in enumerate(data["relations"]):
        at, ends = ("relations", index), (row["source"], row["target"])
        if row["source"].partition("/")[0] == row["target"].partition("/")[0]:
            yield Fault(json_path((*at, "target")), "a relation joins recommendations of two different reports.")
        if (key := (row["kind"], frozenset(ends) if row["kind"] in SYMMETRIC else ends)) in seen:
            yield Fault(json_path(at), "this relation stands here a second time.")
        seen.add(key)


FAULTS_OF = {"vocabulary": vocabulary_faults, "publication": publication_faults, "relations": relation_faults}


def duplicates(rows, name, at):
    seen = set()
    for index, row in enumerate(rows):
        if row[name] in seen:
            yield Fault(json_path((*at, index, name)), f"“{row[name]}” stands here a second time.")
        seen.add(row[name])


def circle_faults(rows, name, at):
    parents = {row[name]: row.get("parent") for row in rows}
    for index, row in enumerate(rows):
        seen, above = {row[name]}, row.get("parent")
        while above in parents and above not in seen:
            seen.add(above)
            above = parents[above]
        if above == row[name]:
            yield Fault(json_path((*at, index, "parent")), f"“{row[name]}” stands below itself.")


def depth_faults(rows, at):
    parents = {row["key"]: row.get("parent") for row in rows}
    for index, row in enumerate(rows):
        if (parent := row.get("parent")) and parent not in parents:
            yield Fault(json_path((*at, index, "parent")), f"there is no “{parent}” here.")
            continue
        depth, above = 1, row.get("parent")
        while above in parents and depth <= MAX_DEPTH:
            depth, above = depth + 1, parents[above]
        if depth > MAX_DEPTH:
            yield Fault(json_path((*at, index, "parent")), f"rows are at most {MAX_DEPTH} levels deep.")


def date_faults(row, at):
    for name in ("date", "date_end", "outcome_date"):
        if value := row.get(name):
            try:
                validate_partial_date(value)
            except ValidationError as error:
                yield Fault(json_path((*at, name)), error.messages[0])
    if row.get("date_end") and row["date_end"] < row.get("date", ""):
        yield Fault(json_path((*at, "date_end")), "the end date lies before the date.")


def voice_faults(row, name, at):
    if row["voice"] == "own" and row.get(name):
        yield Fault(json_path((*at, name)), "an own view names no holder.")
    if row["voice"] == "attributed" and not row.get(name):
        yield Fault(json_path(at), f"an attributed view must name its holder in “{name}”.")


def span_faults(span, source, at, limits=(SPAN_MIN, SPAN_MAX)):
    start, end = span["start"], span["end"]
    if "end" not in source:
        yield Fault(json_path(at), "the report names no source, so nothing can stand in it.")
    elif start < source["start"] or end > source["end"] or end <= start:
        reason = f"the span {start}–{end} lies outside this report's text ({source['start']}–{source['end']})."
        yield Fault(json_path(at), reason)
    elif limits and not limits[0] <= end - start <= limits[1]:
        reason = f"the span has {end - start} characters; a quotation has {limits[0]} to {limits[1]}."
        yield Fault(json_path(at), reason)


def dump(data):
    """Return the canonical text of a dossier: UTF-8, two blanks of indent, one line feed at the end."""
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"
