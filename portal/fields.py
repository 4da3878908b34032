"""Model fields that behave alike on both databases."""

from django.db import models

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
