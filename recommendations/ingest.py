"""Dossiers into the database: one transaction each, all or nothing, by natural key, writing only what differs."""

from django.apps import apps
from django.db import DatabaseError, connection
from django.db.models import ProtectedError, Q
from django.utils.dateparse import parse_datetime
from django.utils.functional import cached_property

from portal.bulk import Table, insert, update
from portal.index import renewed
from portal.text import pinyin
from recommendations.dossier import DossierError, Fault, json_path, read
from recommendations.models import (
    Actor,
    CrossReference,
    Dimension,
    Evidence,
    Framework,
    Instrument,
    PolicyArea,
    Position,
    Question,
    Rating,
    Recommendation,
    Resolution,
    Subject,
)
from reports.ingest import attach_held_text, held_text
from reports.models import Author, Citation, Contribution, Event, Institution, Mention, Report, Section, Work

# Parts of a vocabulary in the order in which they can be stored, with the fields that name other rows.
VOCABULARY = {
    "institutions": (Institution, {}),
    "authors": (Author, {}),
    "areas": (PolicyArea, {}),
    "actors": (Actor, {"institution": Institution, "author": Author}),
    "instruments": (Instrument, {}),
    "works": (Work, {}),
    "events": (Event, {}),
    "subjects": (Subject, {}),
    "frameworks": (Framework, {"work": Work}),
    "questions": (Question, {}),
}
TREES = {"areas": PolicyArea, "subjects": Subject}
OF_REPORT = ("recommendations", "positions", "ratings")


def load_dossier(path, known=None):
    """Load one dossier file. Returns the slugs of its reports (only a publication has any). Raises DossierError.

    `known` is what earlier dossiers of the same transaction have looked up, and takes what this one does.
    """
    data = read(path)
    known = {} if known is None else known
    try:
        return stored(path, data, known)
    except DossierError:
        known.clear()  # what was looked up may just have been undone
        raise


def stored(path, data, known):
    """Store what `load_dossier` has read."""
    try:
        with renewed(*rows_of(data)) as rows:
            loader = Loader(known)
            slugs = getattr(loader, data["kind"])(data)
            if loader.faults:
                raise DossierError(path.name, loader.faults)
            rows += rows_of(data)
    except ProtectedError as error:
        kept = ", ".join(sorted(str(row) for row in error.protected_objects)[:5])
        raise DossierError(
            path.name, [Fault("$", f"a row that the dossier drops is still needed by {kept}.")]
        ) from error
    except DatabaseError as error:
        raise DossierError(path.name, [Fault("$", f"the database refuses it: {error}")]) from error
    return slugs


def rows_of(data):
    """Return the rows that a dossier is about, as far as they are stored, without their columns."""
    if data["kind"] == "publication":
        slugs = [report["slug"] for report in data["reports"]]
        return [*Report.objects.filter(Q(slug__in=slugs) | Q(part_of__slug__in=slugs)).only("pk")]
    if data["kind"] == "relations":
        # Both ends: what holds both ways round may stand the other way round already
        return [*Report.objects.filter(slug__in=related(data)).only("pk")]
    slugs = {part: [row["slug"] for row in data.get(part, [])] for part in VOCABULARY}
    return [
        row
        for part, (model, _references) in VOCABULARY.items()
        for row in model.objects.filter(slug__in=slugs[part]).only("pk")
    ]


def related(data):
    """Return the slugs of the reports whose recommendations are related to each other."""
    return {row[end].partition("/")[0] for row in data["relations"] for end in ("source", "target")}


def refresh_statistics():
    """Tell PostgreSQL how large the tables have become; until then it plans queries as if they were empty.

    To be called once after a bulk load. SQLite plans without such figures.
    """
    if connection.vendor == "postgresql":
        tables = ", ".join(
            connection.ops.quote_name(model._meta.db_table)
            for label in ("reports", "recommendations")
            for model in apps.get_app_config(label).get_models(include_auto_created=True)
        )
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {tables}")


class Loader:
    """One dossier on its way in. Collects every fault; the caller rolls back when there is any."""

    def __init__(self, known):
        self.faults = []
        self.known = known  # model -> {slug: pk}
        self.new = set()  # ids of reports made by this dossier

    def fault(self, at, reason):
        self.faults.append(Fault(json_path(at), reason))

    def find(self, model, slug, at):
        """Return the id of a row by slug; an unknown slug is a fault."""
        if model not in self.known:
            self.known[model] = dict(model.objects.values_list("slug", "pk"))
        if slug not in self.known[model]:
            self.fault(at, f"there is no {model._meta.verbose_name} “{slug}”.")
        return self.known[model].get(slug)

    def of(self, report, name):
        """Return the rows of a report; nobody need ask what one has that was made just now."""
        rows = getattr(report, name).all()
        return rows.none() if report.pk in self.new else rows

    def owners(self, report, rows):
        """Return the ids of rows of a report, as far as anything can hang on them already."""
        return set() if report.pk in self.new else {row.pk for row in rows}

    def values(self, model, row, at, references, leave=()):
        """Return the column values of one dossier row: absent members take the field's default."""
        values = {}
        for field in model._meta.concrete_fields:
            if field.name in leave or field.primary_key or not field.editable:
                continue
            if field.name in references:
                slug = row.get(field.name)
                values[field.attname] = self.find(references[field.name], slug, (*at, field.name)) if slug else None
            elif not field.is_relation:
                values[field.name] = row.get(field.name, field.get_default())
        return values

    # The vocabulary -------------------------------------------------------------------------------------------------

    def vocabulary(self, data):
        """Add and update; what the file does not name stays, for editors add to the vocabulary too."""
        for part, (model, references) in VOCABULARY.items():
            wanted = {}
            for index, row in enumerate(data.get(part, [])):
                wanted[row["slug"]] = self.values(model, row, (part, index), references)
                if "sort_key" in wanted[row["slug"]]:
                    wanted[row["slug"]]["sort_key"] = row.get("sort_key") or pinyin(row["name_zh"])
            rows = reconcile(model.objects.filter(slug__in=wanted), wanted, "slug")
            self.known.pop(model, None)
            if part in TREES:
                self.plant(model, data.get(part, []), rows, part)
        for index, row in enumerate(data.get("frameworks", [])):
            framework = Framework.objects.get(slug=row["slug"])
            wanted = {
                axis["slug"]: self.values(Dimension, axis, ("frameworks", index, "dimensions", order), {})
                | {"order": order}
                for order, axis in enumerate(row["dimensions"])
            }
            reconcile(framework.dimensions.all(), wanted, "slug", drop=True, framework=framework)
        self.link(data, "questions", Question.areas, "question_id", "areas", PolicyArea)
        self.link(data, "events", PolicyArea.events, "event_id", "areas", PolicyArea)
        self.link(data, "works", Work.people, "work_id", "people", Author)
        return []

    def link(self, data, part, relation, column, name, model):
        """Make a many-to-many of the rows of a part equal to the slugs under `name`; `column` is their end of it."""
        ids, pairs = set(), set()
        for index, row in enumerate(data.get(part, [])):
            ids.add(own := self.find(VOCABULARY[part][0], row["slug"], (part, index, "slug")))
            for place, slug in enumerate(row.get(name, [])):
                pairs.add((own, self.find(model, slug, (part, index, name, place))))
        if not self.faults:
            relink(relation.through, column, f"{model._meta.model_name}_id", ids, pairs)

    def plant(self, model, data, rows, part):
        """Set the parents of a tree once all its rows exist, and refuse a circle through rows stored before."""
        changed = []
        for index, row in enumerate(data):
            parent = self.find(model, row["parent"], (part, index, "parent")) if row.get("parent") else None
            if rows[row["slug"]].parent_id != parent:
                rows[row["slug"]].parent_id = parent
                changed.append(rows[row["slug"]])
        update(changed, ["parent_id"])
        parents = dict(model.objects.values_list("pk", "parent_id"))
        for index, row in enumerate(data):
            pk = rows[row["slug"]].pk
            seen, above = set(), parents[pk]
            while above is not None and above not in seen:
                seen.add(above)
                above = parents[above]
            if pk in seen:
                self.fault((part, index, "parent"), f"“{row['slug']}” stands below itself.")

    # Relations ------------------------------------------------------------------------------------------------------

    def relations(self, data):
        """Add and update; what the file does not name stays, and so does what an editor has decided otherwise."""
        there = Recommendation.objects.filter(report__slug__in=related(data)).order_by()
        rows = {f"{slug}/{key}": pk for pk, slug, key in there.values_list("pk", "report__slug", "key")}
        between = CrossReference.objects.filter(source__in=there, target__in=there).order_by()
        held = {(row.kind, row.source_id, row.target_id): row for row in between}
        wanted = {}
        for index, row in enumerate(data["relations"]):
            ends = [rows.get(row[end]) for end in ("source", "target")]
            for end, pk in zip(("source", "target"), ends, strict=True):
                if pk is None:
                    self.fault(("relations", index, end), f"there is no recommendation “{row[end]}”.")
            if row["kind"] in CrossReference.SYMMETRIC and (row["kind"], *ends[::-1]) in held:
                ends.reverse()
            key = (row["kind"], *ends)
            decided = key in held and held[key].state != CrossReference.State.SUGGESTED
            wanted[key] = {
                "source_id": ends[0],
                "target_id": ends[1],
                "kind": row["kind"],
                "state": held[key].state if decided else row["state"],
                "rationale_zh": row.get("rationale_zh", ""),
                "rationale_en": row.get("rationale_en", ""),
            }
        if not self.faults:
            reconcile(between, wanted, lambda row: (row.kind, row.source_id, row.target_id))
        return []

    # A publication --------------------------------------------------------------------------------------------------

    def publication(self, data):
        """Make each report equal to its entry; what the file no longer names goes."""
        reports = []
        for index, row in enumerate(data["reports"]):
            reports.append(self.report(index, row, reports[0] if reports else None))
        if self.faults:
            return []
        self.of(reports[0], "parts").exclude(pk__in=[report.pk for report in reports]).delete()
        rows = {}
        for index, (report, row) in enumerate(zip(reports, data["reports"], strict=True)):
            at = ("reports", index)
            sections = self.sections(report, row)
            self.contributions(report, row, at)
            self.citations(report, row, at)
            self.mentions(report, row, at)
            self.resolutions(report, row, at)
            rows[report.slug] = self.recommendations(report, row, at)
            positions = self.positions(report, row, at, rows[report.slug])
            ratings = self.ratings(report, row, at)
            if not self.faults:
                owners = {"recommendations": rows[report.slug], "positions": positions, "ratings": ratings}
                self.evidence(report, row, owners, sections)
        if not self.faults:
            self.restates(data, reports, rows)
        return [report.slug for report in reports]

    def report(self, index, row, whole):
        at = ("reports", index)
        values = self.values(Report, row, at, {"publisher": Institution}, leave=("state", "publish_at"))
        source = row.get("source", {})
        values |= {
            "source_file": source.get("file", ""),
            "source_sha256": source.get("sha256", ""),
            "source_start": source.get("start"),
            "source_end": source.get("end"),
        }
        self.prove(row, at)
        if self.faults:
            return None
        # The state is the editors': a dossier gives a new report its first one, and never brings back a withdrawn one.
        born = {"state": row["state"], "publish_at": parse_datetime(row["publish_at"]) if "publish_at" in row else None}
        held = Report.objects.filter(slug=row["slug"])
        new = not held
        wanted = values | {"part_of_id": whole and whole.pk} | (born if new else {})
        report = reconcile(held, {row["slug"]: wanted}, "slug")[row["slug"]]
        self.new |= {report.pk} if new else set()
        attach_held_text(report)
        self.works(report, row, at)
        return report

    def works(self, report, row, at):
        """Tie the works that are this very report to it, and no other."""
        wanted = {self.find(Work, slug, (*at, "works", place)) for place, slug in enumerate(row.get("works", []))}
        held = set(self.of(report, "as_works").values_list("pk", flat=True))
        if wanted != held:
            Work.objects.filter(pk__in=held - wanted).update(report=None)
            Work.objects.filter(pk__in=wanted - held).update(report=report)

    def prove(self, row, at):
        """Compare every digest with the source text, where that text is held."""
        text = held_text(row.get("source", {}).get("sha256"))
        if text is None:
            return
        if row["source"]["end"] > len(text):
            self.fault((*at, "source", "end"), f"the source has only {len(text)} characters.")
        for part in (*OF_REPORT, "citations", "mentions", "resolutions"):
            for number, coded in enumerate(row.get(part, [])):
                for place, span in enumerate(coded.get("evidence", [])):
                    if text.digest(span["start"], span["end"]) != span["digest"]:
                        here = (*at, part, number, "evidence", place, "digest")
                        self.fault(here, f"the source reads otherwise at {span['start']}–{span['end']}.")

    def sections(self, report, row):
        wanted = {
            s["key"]: {k: s[k] for k in ("key", "heading_zh", "heading_en", "start", "end")}
            for s in row.get("sections", [])
        }
        sections = reconcile(self.of(report, "sections"), wanted, "key", drop=True, report=report)
        self.set_parents(Section, sections, row.get("sections", []))
        return sorted(sections.values(), key=lambda s: (s.start, -s.end))

    def set_parents(self, model, rows, data):
        changed = []
        for entry in data:
            parent = rows[entry["parent"]] if entry.get("parent") else None
            if rows[entry["key"]].parent_id != (parent and parent.pk):
                rows[entry["key"]].parent_id = parent and parent.pk
                changed.append(rows[entry["key"]])
        update(changed, ["parent_id"])

    def contributions(self, report, row, at):
        wanted, affiliations = {}, {}
        for order, entry in enumerate(row.get("contributions", [])):
            here = (*at, "contributions", order)
            values = self.values(Contribution, entry, here, {"author": Author, "institution": Institution})
            key = (values["author_id"], values["institution_id"], entry["role"])
            if key in wanted:
                self.fault(here, "this contributor stands here twice in the same role.")
            wanted[key] = values | {"order": order}
            affiliations[key] = [
                self.find(Institution, slug, (*here, "affiliations", place))
                for place, slug in enumerate(entry.get("affiliations", []))
            ]
        if self.faults:
            return
        rows = reconcile(
            self.of(report, "contributions"),
            wanted,
            lambda c: (c.author_id, c.institution_id, c.role),
            drop=True,
            report=report,
        )
        links = {(rows[key].pk, pk) for key, pks in affiliations.items() for pk in pks}
        ids = self.owners(report, rows.values())
        relink(Contribution.affiliations.through, "contribution_id", "institution_id", ids, links)

    def citations(self, report, row, at):
        wanted = {}
        for order, entry in enumerate(row.get("citations", [])):
            span = entry.get("evidence") or [{"start": None, "end": None, "digest": ""}]
            values = self.values(Citation, entry, (*at, "citations", order), {"work": Work})
            wanted[entry["key"]] = values | span[0] | {"order": order}
        if not self.faults:
            reconcile(self.of(report, "citations"), wanted, "key", drop=True, report=report)

    def mentions(self, report, row, at):
        wanted = {}
        for number, entry in enumerate(row.get("mentions", [])):
            here = (*at, "mentions", number)
            values = self.values(Mention, entry, here, {"event": Event}) | entry["evidence"][0]
            key = (values["event_id"], values["start"])
            if key in wanted:
                self.fault(here, "this mention stands here twice.")
            wanted[key] = values
        if not self.faults:
            reconcile(self.of(report, "mentions"), wanted, lambda m: (m.event_id, m.start), drop=True, report=report)

    def resolutions(self, report, row, at):
        wanted = {}
        for number, entry in enumerate(row.get("resolutions", [])):
            here = (*at, "resolutions", number)
            values = self.values(Resolution, entry, here, {"question": Question}) | entry["evidence"][0]
            if values["question_id"] in wanted:
                self.fault(here, "this question stands here twice.")
            if entry["question"] in self.known[Question] and values["question_id"] not in self.predictive:
                self.fault((*here, "question"), "only a question about the future has an outcome.")
            wanted[values["question_id"]] = values
        if not self.faults:
            reconcile(self.of(report, "resolutions"), wanted, "question_id", drop=True, report=report)

    @cached_property
    def predictive(self):
        """The ids of questions about the future."""
        return set(Question.objects.filter(kind=Question.Kind.PREDICTIVE).values_list("pk", flat=True))

    @cached_property
    def axes(self):
        """The ids of dimensions, {(slug of the framework, slug): id}."""
        return {(f, d): pk for f, d, pk in Dimension.objects.values_list("framework__slug", "slug", "pk")}

    def coded(self, model, report, row, at, part, references, more=None):
        """Reconcile the recommendations, positions or ratings of a report; returns {key: row}.

        `more` are values that only the caller knows, {key: {attribute: value}}.
        """
        wanted = {}
        for order, entry in enumerate(row.get(part, [])):
            values = self.values(model, entry, (*at, part, order), references)
            wanted[entry["key"]] = values | {"order": order} | (more[entry["key"]] if more else {})
        if self.faults:
            return {}
        return reconcile(self.of(report, part), wanted, "key", drop=True, report=report)

    def recommendations(self, report, row, at):
        rows = self.coded(Recommendation, report, row, at, "recommendations", {"made_by": Actor})
        links = {"areas": (PolicyArea, set()), "addressees": (Actor, set()), "instruments": (Instrument, set())}
        for number, entry in enumerate(row.get("recommendations", [])):
            for name, (model, pairs) in links.items():
                for place, slug in enumerate(entry.get(name, [])):
                    found = self.find(model, slug, (*at, "recommendations", number, name, place))
                    if rows:
                        pairs.add((rows[entry["key"]].pk, found))
        if self.faults:
            return rows
        self.set_parents(Recommendation, rows, row.get("recommendations", []))
        ids = self.owners(report, rows.values())
        for name, (model, pairs) in links.items():
            through = getattr(Recommendation, name).through
            relink(through, "recommendation_id", f"{model._meta.model_name}_id", ids, pairs)
        return rows

    def restates(self, data, reports, rows):
        pairs = set()
        for row in data["reports"]:
            for entry in row.get("recommendations", []):
                for target in entry.get("restates", []):
                    slug, _, key = target.rpartition("/")
                    pairs.add((rows[row["slug"]][entry["key"]].pk, rows[slug or row["slug"]][key].pk))
        ids = {pk for report in reports for pk in self.owners(report, rows[report.slug].values())}
        relink(Recommendation.restates.through, "from_recommendation_id", "to_recommendation_id", ids, pairs)

    def positions(self, report, row, at, recommendations):
        rests_on = {}
        for entry in row.get("positions", []):
            under = recommendations.get(entry.get("recommendation"))  # none are stored once there is a fault
            rests_on[entry["key"]] = {"recommendation_id": under and under.pk}
        references = {"question": Question, "holder": Actor}
        return self.coded(Position, report, row, at, "positions", references, rests_on)

    def ratings(self, report, row, at):
        on_axis = {}
        for number, entry in enumerate(row.get("ratings", [])):
            on_axis[entry["key"]] = {"dimension_id": self.axes.get((entry["framework"], entry["dimension"]))}
            if (entry["framework"], entry["dimension"]) not in self.axes:
                here = (*at, "ratings", number, "dimension")
                self.fault(here, f"there is no dimension “{entry['dimension']}” in a framework “{entry['framework']}”.")
        return self.coded(Rating, report, row, at, "ratings", {"subject": Subject, "assessor": Actor}, on_axis)

    def evidence(self, report, row, owners, sections):
        """Spans of all three kinds. The section is derived: the innermost that holds the start of the span."""
        for part in OF_REPORT:
            owner = part[:-1]
            wanted = {}
            for entry in row.get(part, []):
                for span in entry["evidence"]:
                    holding = [s.pk for s in sections if s.start <= span["start"] < s.end]
                    key = (owners[part][entry["key"]].pk, span["start"], span["end"])
                    wanted[key] = {**span, f"{owner}_id": key[0], "section_id": holding[-1] if holding else None}
            if report.pk in self.new:  # most rows of a dossier, and nothing asks for their ids
                columns = "start", "end", "digest", f"{owner}_id", "section_id"
                Table(Evidence, columns).add([values[name] for name in columns] for values in wanted.values())
                continue
            held = Evidence.objects.filter(**{f"{owner}__in": {row.pk for row in owners[part].values()}})
            reconcile(held, wanted, lambda e, o=owner: (getattr(e, f"{o}_id"), e.start, e.end), drop=True)


def reconcile(held, wanted, key, drop=False, **fixed):
    """Make the rows of `held` equal to `wanted`, {key: {attribute: value}}, writing only what differs.

    `key` is an attribute name or a function of a row. With `drop`, rows that are not wanted go. `fixed` is given to new
    rows. Returns {key: row}.
    """
    key_of = key if callable(key) else lambda row: getattr(row, key)
    rows = {} if held.query.is_empty() else {key_of(row): row for row in held}
    if drop and (stale := [row.pk for k, row in rows.items() if k not in wanted]):
        gone = held.model.objects.filter(pk__in=stale)
        if any(field.name == "parent" for field in held.model._meta.concrete_fields):
            held.model.objects.filter(parent__in=stale).update(parent=None)
        gone.delete()
        rows = {k: row for k, row in rows.items() if k in wanted}
    fresh, changed, names = [], [], set()
    for k, values in wanted.items():
        row = rows.get(k)
        if row is None:
            row = rows[k] = held.model(**fixed, **values)
            fresh.append(row)
        else:
            differing = [name for name, value in values.items() if getattr(row, name) != value]
            if not differing:
                continue
            for name in differing:
                setattr(row, name, values[name])
            names.update(differing)
            changed.append(row)
        if hasattr(row, "derive"):
            row.derive()
            names.update({"sort_key", "name_index"})
    insert(fresh)
    update(changed, names)
    return rows


def relink(through, source, target, source_ids, wanted):
    """Make the pairs of a many-to-many table equal to `wanted`, {(source id, target id)}, for the given sources."""
    held = {}
    if source_ids:
        found = through.objects.filter(**{f"{source}__in": source_ids}).values_list(source, target, "pk")
        held = {(own, other): pk for own, other, pk in found}
    if stale := [pk for pair, pk in held.items() if pair not in wanted]:
        through.objects.filter(pk__in=stale).delete()
    if new := sorted(wanted - held.keys()):
        Table(through, [source, target]).add(new)
