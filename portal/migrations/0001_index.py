"""The index from which lists, facets and searches are answered, with what each database has for it."""

import portal.fields
from django.db import migrations, models

POSTGRESQL = [
    "CREATE INDEX entry_terms ON portal_entry USING gin (terms)",
    "CREATE INDEX entry_tokens ON portal_entry USING gin (tokens)",
    # At the default target the planner takes rare terms and words for frequent ones.
    "ALTER TABLE portal_entry ALTER COLUMN terms SET STATISTICS 1000",
    "ALTER TABLE portal_entry ALTER COLUMN tokens SET STATISTICS 1000",
]
SQLITE = [
    "DROP TABLE portal_posting",
    "CREATE TABLE portal_posting (term integer NOT NULL, place bigint NOT NULL, PRIMARY KEY (term, place)) WITHOUT ROWID",
    "CREATE VIRTUAL TABLE portal_token USING fts5(head, body, tokenize='ascii')",
]


def build(apps, schema_editor):
    for statement in POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TABLE portal_token")


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='CorpusVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveBigIntegerField(default=0)),
                ('changed_at', models.DateTimeField()),
                ('due_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Posting',
            fields=[
                ('pk', models.CompositePrimaryKey('term', 'place', blank=True, editable=False, primary_key=True, serialize=False)),
                ('term', models.IntegerField()),
                ('place', models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='Tally',
            fields=[
                ('pk', models.CompositePrimaryKey('kind', 'term', 'beside', blank=True, editable=False, primary_key=True, serialize=False)),
                ('kind', models.PositiveSmallIntegerField(choices=[(1, 'Reports'), (2, 'Passages'), (3, 'Recommendations'), (4, 'Positions'), (5, 'Ratings'), (6, 'Citations'), (7, 'Crossreferences'), (8, 'Questions'), (9, 'Authors'), (10, 'Institutions'), (11, 'Areas'), (12, 'Actors'), (13, 'Instruments'), (14, 'Subjects'), (15, 'Frameworks'), (16, 'Works'), (17, 'Events')])),
                ('term', models.IntegerField()),
                ('beside', models.IntegerField()),
                ('n', models.IntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='Entry',
            fields=[
                ('place', models.BigIntegerField(primary_key=True, serialize=False)),
                ('kind', models.PositiveSmallIntegerField(choices=[(1, 'Reports'), (2, 'Passages'), (3, 'Recommendations'), (4, 'Positions'), (5, 'Ratings'), (6, 'Citations'), (7, 'Crossreferences'), (8, 'Questions'), (9, 'Authors'), (10, 'Institutions'), (11, 'Areas'), (12, 'Actors'), (13, 'Instruments'), (14, 'Subjects'), (15, 'Frameworks'), (16, 'Works'), (17, 'Events')])),
                ('object_id', models.BigIntegerField()),
                ('report_id', models.BigIntegerField(null=True)),
                ('date', portal.fields.PartialDateField(blank=True, default='', max_length=10)),
                ('date_end', portal.fields.PartialDateField(blank=True, default='', max_length=10)),
                ('name', portal.fields.KeyField(max_length=330)),
                ('number', models.FloatField(null=True)),
                ('documents', models.PositiveIntegerField(default=0)),
                ('terms', portal.fields.TermsField()),
                ('tokens', portal.fields.TokensField(null=True)),
                ('digest', models.CharField(max_length=16)),
            ],
            options={
                'indexes': [models.Index(fields=['report_id', 'kind'], name='entry_report'), models.Index(condition=models.Q(('number__isnull', False)), fields=['kind', 'number', 'place'], name='entry_number')],
                'constraints': [models.UniqueConstraint(fields=('kind', 'object_id'), name='entry_unique'), models.UniqueConstraint(fields=('kind', 'name'), name='entry_name_unique')],
            },
        ),
        migrations.CreateModel(
            name='Term',
            fields=[
                ('id', models.AutoField(primary_key=True, serialize=False)),
                ('facet', portal.fields.KeyField(max_length=20)),
                ('value', portal.fields.KeyField(max_length=40)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('facet', 'value'), name='term_unique')],
            },
        ),
        migrations.RunPython(build, drop),
    ]
