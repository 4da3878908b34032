"""Model fields that behave alike on both databases."""

import json
from dataclasses import dataclass

from django.db import models
from django.db.models import Lookup
from django.db.models.expressions import Col

from portal.text import validate_partial_date


class KeyField(models.CharField):
    """A short machine key (slug, sort key, partial date), compared by code point on every database.

    PostgreSQL otherwise compares by the cluster's locale, which skips hyphens and blanks, so that the same list would
    come in another order than on SQLite.
    """

    def db_parameters(self, connection):
        parameters = super().db_parameters(connection)
        if connection.vendor == "postgresql":
            parameters["collation"] = "C"
        return parameters


class PartialDateField(KeyField):
    """A date as precisely as it is known: `2021`, `2021-02` or `2021-02-03`; empty when unknown. Sorts as text."""

    default_validators = [validate_partial_date]

    def __init__(self, *args, **kwargs):
        kwargs.setdefault("max_length", 10)
        kwargs.setdefault("blank", True)
        kwargs.setdefault("default", "")
        super().__init__(*args, **kwargs)


class TermsField(models.Field):
    """The ids of the terms under which an entry of the index is filed: an array on PostgreSQL, JSON on SQLite."""

    def db_type(self, connection):
        return "integer[]" if connection.vendor == "postgresql" else "text"

    def from_db_value(self, value, expression, connection):
        return json.loads(value) if isinstance(value, str) else value

    def get_db_prep_value(self, value, connection, prepared=False):
        return json.dumps(value, separators=(",", ":")) if connection.vendor == "sqlite" else value


@TermsField.register_lookup
class AnyOf(Lookup):
    """`terms__any=[ids]`: filed under one of these terms. GIN on PostgreSQL, the table of postings on SQLite."""

    lookup_name = "any"

    def get_prep_lookup(self):
        return list(self.rhs)

    def get_db_prep_lookup(self, value, connection):
        return "%s", [value]

    def as_postgresql(self, compiler, connection):
        column, _none = self.process_lhs(compiler, connection)
        return f"{column} && %s::integer[]", [self.rhs]

    def as_sqlite(self, compiler, connection):
        place = place_of(self.lhs, compiler)
        marks = ", ".join(["%s"] * len(self.rhs)) or "NULL"
        posting = f"SELECT 1 FROM portal_posting p WHERE p.term IN ({marks}) AND p.place = {place}"  # noqa: S608
        return f"EXISTS ({posting})", self.rhs


@TermsField.register_lookup
class Rare(AnyOf):
    """`terms__rare=[ids]`: as `any`, for terms that few entries stand under, which are then fetched before all else."""

    lookup_name = "rare"

    def as_postgresql(self, compiler, connection):
        place = place_of(self.lhs, compiler)
        # As an array, whose length the planner takes for short, so that no other condition is looked up for all entries
        found = "SELECT e.place FROM portal_entry e WHERE e.terms && %s::integer[]"
        return f"{place} = ANY(ARRAY({found}))", [self.rhs]

    def as_sqlite(self, compiler, connection):
        place = place_of(self.lhs, compiler)
        marks = ", ".join(["%s"] * len(self.rhs)) or "NULL"
        return f"{place} IN (SELECT p.place FROM portal_posting p WHERE p.term IN ({marks}))", self.rhs  # noqa: S608


@TermsField.register_lookup
class Also(Rare):
    """`terms__also=[ids]`: as `rare`, for entries that stand under other terms too: GIN goes by both at once."""

    lookup_name = "also"
    as_postgresql = AnyOf.as_postgresql


class TokensField(models.Field):
    """The tokens of an entry, as `portal.words` makes them: a `tsvector` on PostgreSQL.

    On SQLite the column stays empty, and the tokens stand in the FTS5 table `portal_token` under the entry's place.
    """

    def db_type(self, connection):
        return "tsvector" if connection.vendor == "postgresql" else "text"


def tsquery(phrase, head):
    """Return a `portal.words.Phrase` as PostgreSQL asks for it, in the head alone or anywhere."""
    last = len(phrase.words) - 1
    marks = ["*" * (n == last and phrase.prefix) + "A" * head for n in range(last + 1)]
    words = [f"'{word}'" + (f":{mark}" if mark else "") for word, mark in zip(phrase.words, marks, strict=True)]
    return " <-> ".join(words)


def match(phrase, head):
    """Return a `portal.words.Phrase` as SQLite's FTS5 asks for it, in the head alone or anywhere."""
    return f'{"head : " * head}"{" ".join(phrase.words)}"{" *" if phrase.prefix else ""}'


@dataclass(frozen=True)
class Wanted:
    """A way in which an entry may answer: all `phrases` stand in it, or in its `head`; or it has one of `terms`."""

    phrases: tuple = ()
    head: bool = False
    terms: tuple = ()


@TokensField.register_lookup
class Answering(Lookup):
    """`tokens__answers=(first, last, [Wanted])`: one of these, of the entries from place `first` to `last`.

    One lookup, because SQLite goes over every entry for an OR of tokens and postings, unless it is told to join both.
    """

    lookup_name = "answers"

    def get_prep_lookup(self):
        return self.rhs

    def as_postgresql(self, compiler, connection):
        column, _none = self.process_lhs(compiler, connection)
        terms = column_beside(self.lhs, "terms", compiler)
        first, last, options = self.rhs
        either, params = ["FALSE"], []
        for option in options:
            if option.phrases:
                either.append("(" + " AND ".join([f"{column} @@ %s::tsquery"] * len(option.phrases)) + ")")
                params += [tsquery(phrase, option.head) for phrase in option.phrases]
            if option.terms:
                either.append(f"{terms} && %s::integer[]")
                params.append(list(option.terms))
        return f"({' OR '.join(either)})", params

    def as_sqlite(self, compiler, connection):
        first, last, options = self.rhs
        either, params = ["SELECT NULL WHERE FALSE"], []
        for option in options:
            if option.phrases:
                either.append("SELECT rowid FROM portal_token WHERE portal_token MATCH %s AND rowid BETWEEN %s AND %s")
                params += [" AND ".join(match(phrase, option.head) for phrase in option.phrases), first, last]
            if option.terms:
                marks = ", ".join(["%s"] * len(option.terms))
                posted = f"SELECT place FROM portal_posting WHERE term IN ({marks})"  # noqa: S608
                either.append(f"{posted} AND place BETWEEN %s AND %s")
                params += [*option.terms, first, last]
        return f"{place_of(self.lhs, compiler)} IN ({' UNION '.join(either)})", params


@TokensField.register_lookup
class Called(Answering):
    """`tokens__called=…`: as `answers`, for few entries found otherwise: GIN would first find those of all kinds."""

    lookup_name = "called"

    def as_postgresql(self, compiler, connection):
        sql, params = super().as_postgresql(compiler, connection)
        return f"{sql} IS TRUE", params


def place_of(column, compiler):
    """Return the SQL of the primary key of the entry that a column belongs to."""
    return column_beside(column, "place", compiler)


def column_beside(column, name, compiler):
    """Return the SQL of another column of the row that a column belongs to."""
    return compiler.compile(Col(column.alias, column.target.model._meta.get_field(name)))[0]
