"""Who may do what in the admin, and what waits to be done: the two groups, and rows that lack a translation."""

from django.apps import apps as global_apps
from django.contrib.auth.management import create_permissions
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q

APPS = ("portal", "reports", "recommendations")
MAY_PUBLISH = "reports.publish_report"

TEXT = ["sourcetext", "passage"]
ROWS = [
    "report", "contribution", "section", "citation", "mention",
    "recommendation", "position", "rating", "resolution", "evidence", "crossreference", "followup",
]  # fmt: skip
VOCABULARY = [
    "institution", "author", "work", "event",
    "policyarea", "actor", "instrument", "question", "framework", "dimension", "subject",
]  # fmt: skip

# Group -> [(acts, models)]. Which rows an act reaches is decided row by row: see `reports.admin.may_change`.
# Keys of the API are made and revoked by whoever runs the portal, not by those who edit it: a superuser, or a member of
# staff with the permissions to add and to change them. Editors see them and their use.
GROUPS = {
    "coder": [
        (["view"], TEXT + ROWS + VOCABULARY),
        (["add", "change", "delete"], ROWS),
        (["add"], VOCABULARY),
    ],
    "editor": [
        (["view"], TEXT + ROWS + VOCABULARY),
        (["add", "change", "delete"], ROWS + VOCABULARY),
        (["publish"], ["report"]),
        (["view"], ["apikey"]),
    ],
}


def ensure_groups(using=DEFAULT_DB_ALIAS, apps=global_apps, **kwargs):
    """Give the groups exactly the permissions of GROUPS. Receives `post_migrate`; running it again changes nothing."""
    try:
        Group, Permission = apps.get_model("auth.Group"), apps.get_model("auth.Permission")
        apps.get_model("recommendations.Recommendation")
    except LookupError:  # a migration to an early state: there is nothing to permit yet
        return
    groups, permissions = Group.objects.using(using), Permission.objects.using(using)
    for label in APPS:
        create_permissions(global_apps.get_app_config(label), verbosity=0, using=using, apps=apps)
    for name, rules in GROUPS.items():
        wanted = {f"{act}_{model}" for acts, models in rules for act in acts for model in models}
        group = groups.get_or_create(name=name)[0]
        group.permissions.set(permissions.filter(content_type__app_label__in=APPS, codename__in=wanted))


def half_translated(model):
    """The Q of rows in which some text stands in one language only."""
    names = {field.name for field in model._meta.concrete_fields}
    found = Q(pk__in=[])
    for zh in sorted(name for name in names if name.endswith("_zh")):
        en = f"{zh[:-2]}en"
        if en in names:
            found |= Q(**{zh: ""}) ^ Q(**{en: ""})
    return found
