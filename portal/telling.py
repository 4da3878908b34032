"""Serializers that tell rows without making their fields anew for each answer: what they say is what DRF says.

DRF copies every field of a serializer for every answer, and asks each of them for each row what it is made of. Here a
class finds that out once. `tests/test_telling.py` holds both ways against one another.
"""

from collections.abc import Mapping
from functools import cache
from types import MethodType

from django.db.models import Manager
from rest_framework import serializers

# Fields of which the API gives the value as the row has it.
PLAIN = (
    serializers.BooleanField,
    serializers.CharField,
    serializers.ChoiceField,
    serializers.FloatField,
    serializers.IntegerField,
    serializers.ReadOnlyField,
)


class Telling(serializers.Serializer):
    """A serializer of rows. An instance gives only some `members`, where these are set, and takes what is in `slugs`,

    {member: {primary key of the row: [(primary key, slug)]}}, from there.
    """

    members = None
    slugs = {}

    def to_representation(self, row):
        told = tellers(type(self))
        wanted = told if self.members is None else [(name, tell) for name, tell in told if name in self.members]
        return {name: tell(self, row) for name, tell in wanted}

    def within(self, serializer_class):
        """Return the serializer of what stands in the rows of this one, the same for all of them."""
        held = self.__dict__.setdefault("nested", {})
        if serializer_class not in held:
            held[serializer_class] = serializer_class(context=self.context)
        return held[serializer_class]


@cache
def fields_of(serializer_class):
    """Return {member: field} of a class. They belong to no answer: what is told of a row goes through `tellers`."""
    return serializer_class().fields


@cache
def tellers(serializer_class):
    """Return [(member, function(serializer, row) that gives its value)] of a class."""
    return [(name, teller(field)) for name, field in fields_of(serializer_class).items()]


def teller(field):
    """Return the function(serializer, row) that gives the value of a field."""
    if isinstance(field, serializers.SerializerMethodField):
        method = field.method_name
        return lambda serializer, row: getattr(serializer, method)(row)
    read = reader(field)
    if isinstance(field, serializers.ManyRelatedField):
        name, slug = field.source, field.child_relation.slug_field

        def slugs(serializer, row):
            if name in serializer.slugs:
                return [word for _pk, word in serializer.slugs[name].get(row.pk, ())]
            return [getattr(one, slug) for one in read(row).all()]

        return slugs
    if isinstance(field, serializers.SlugRelatedField):
        slug = field.slug_field
        return lambda serializer, row: None if (found := read(row)) is None else getattr(found, slug)
    if isinstance(field, serializers.ListSerializer):
        child = type(field.child)

        def several(serializer, row):
            found, tell = read(row), serializer.within(child).to_representation
            return [tell(one) for one in (found.all() if isinstance(found, Manager) else found)]

        return several
    if isinstance(field, serializers.BaseSerializer):
        child = type(field)
        return lambda serializer, row: (
            None if (found := read(row)) is None else serializer.within(child).to_representation(found)
        )
    if isinstance(field, PLAIN):
        return lambda serializer, row: read(row)
    return lambda serializer, row: None if (found := read(row)) is None else field.to_representation(found)


def reader(field):
    """Return the function(row) that gives what a field is made of."""
    if field.source == "*":
        return lambda row: row
    if len(field.source_attrs) > 1 or field.default is not serializers.empty:
        return field.get_attribute
    (name,) = field.source_attrs

    def read(row):
        found = row[name] if isinstance(row, Mapping) else getattr(row, name)
        return found() if isinstance(found, MethodType) else found

    return read
