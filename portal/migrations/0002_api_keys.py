"""Keys of the API and their use by day."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import portal.fields
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0001_index'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ApiKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('prefix', portal.fields.KeyField(editable=False, max_length=8, unique=True, verbose_name='prefix')),
                ('digest', models.CharField(editable=False, max_length=64, verbose_name='digest')),
                ('owner', models.CharField(help_text='Who uses the key, and how to reach them.', max_length=200, verbose_name='owner')),
                ('note', models.TextField(blank=True, help_text='What it is for. Only editors see this.', verbose_name='note')),
                ('rate', models.PositiveIntegerField(default=60000, help_text='How often the key may be used in one hour.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(10000000)], verbose_name='requests an hour')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='issued')),
                ('expires_at', models.DateTimeField(blank=True, help_text='Left empty, it is good until it is revoked.', null=True, verbose_name='expires')),
                ('revoked_at', models.DateTimeField(editable=False, null=True, verbose_name='revoked on')),
                ('created_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='issued by')),
            ],
            options={
                'verbose_name': 'API key',
                'verbose_name_plural': 'API keys',
                'ordering': ['-created_at', '-id'],
                'default_permissions': ('add', 'change', 'view'),
            },
        ),
        migrations.CreateModel(
            name='ApiUse',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(verbose_name='day')),
                ('requests', models.PositiveIntegerField(default=0, verbose_name='requests')),
                ('refused', models.PositiveIntegerField(default=0, verbose_name='of these refused')),
                ('key', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='uses', to='portal.apikey', verbose_name='API key')),
            ],
            options={
                'verbose_name': 'use of an API key',
                'verbose_name_plural': 'use of API keys',
                'ordering': ['-day'],
                'default_permissions': (),
            },
        ),
        migrations.AddConstraint(
            model_name='apikey',
            constraint=models.CheckConstraint(condition=models.Q(('rate__gte', 1)), name='portal_apikey_rate'),
        ),
        migrations.AddConstraint(
            model_name='apikey',
            constraint=models.CheckConstraint(condition=models.Q(('expires_at__isnull', True), ('expires_at__gt', models.F('created_at')), _connector='OR'), name='portal_apikey_expires'),
        ),
        migrations.AddConstraint(
            model_name='apiuse',
            constraint=models.UniqueConstraint(fields=('key', 'day'), name='portal_apiuse_once_a_day'),
        ),
    ]
