"""Keys of the API: how one is made, found again from what a client sends, and how its use is counted.

A key reads `dz_<prefix>_<secret>`: eight letters and digits that anyone may see, then 256 random bits in hexadecimal.
"""

import hashlib
import logging
import re
import secrets
import string
from contextlib import suppress
from datetime import timedelta

from django.core.cache import cache
from django.db import DatabaseError, transaction
from django.db.models import F
from django.utils import timezone

from portal.models import ApiKey, ApiUse

PATTERN = re.compile(r"dz_([a-z0-9]{8})_[0-9a-f]{64}")
ALPHABET = string.ascii_lowercase + string.digits
MALFORMED = "This is not a key: one is sent as “Authorization: Bearer dz_<prefix>_<secret>”."
ENDED = {ApiKey.State.EXPIRED: "This key has expired.", ApiKey.State.REVOKED: "This key has been revoked."}

FLUSH_REQUESTS, FLUSH_SECONDS = 100, 60
KEPT_DAYS = 7  # that the cache keeps what has not been written yet
LOCK_SECONDS = 30

logger = logging.getLogger(__name__)


class KeyRefused(Exception):
    """What a client sent is no key, or is good no longer; said in one sentence that does not repeat it."""


def digest(key):
    return hashlib.sha256(key.encode()).hexdigest()


def issue(row):
    """Give an unsaved ApiKey its prefix and digest. Returns the key, which exists nowhere else and is shown once."""
    row.prefix = "".join(secrets.choice(ALPHABET) for _ in range(8))
    key = f"dz_{row.prefix}_{secrets.token_hex(32)}"
    row.digest = digest(key)
    return key


def sent(headers):
    """Return the key that a request carries, or None; `Authorization: Bearer …` and `X-API-Key` mean the same.

    Another scheme is not for us, `Basic` belongs to a proxy in front, unless what it names looks like a key.
    """
    said = headers.get("Authorization", "")
    scheme, _, credentials = said.partition(" ")
    found = set()
    if scheme.lower() == "bearer":
        found.add(credentials.strip())
    elif "dz_" in said:
        raise KeyRefused(MALFORMED)
    if "X-API-Key" in headers:
        found.add(headers["X-API-Key"].strip())
    if len(found) > 1:
        raise KeyRefused("Two different keys were sent.")
    return found.pop() if found else None


def find(key):
    """Return the ApiKey of a key that may be used now, or raise KeyRefused.

    Read from the database each time, by its prefix: a revoked key stops at once. That a key has ended is told only to
    whoever holds the whole of it.
    """
    if not (form := PATTERN.fullmatch(key)):
        raise KeyRefused(MALFORMED)
    row = ApiKey.objects.filter(prefix=form[1]).first()
    if row is None or not secrets.compare_digest(row.digest, digest(key)):
        raise KeyRefused("There is no such key.")
    if row.state != ApiKey.State.ACTIVE:
        raise KeyRefused(ENDED[row.state])
    return row


# ---------------------------------------------------------------------------------------------------------------------
# Counting
# ---------------------------------------------------------------------------------------------------------------------


def tick(name, seconds):
    """Count one more under a name of the cache, which forgets it so many seconds after the first; return how many."""
    cache.add(name, 0, seconds)
    try:
        return cache.incr(name)
    except ValueError:  # the cache dropped it in between
        return 1


def pending(pk, day, column):
    return f"api-use-{pk}-{day}-{column}"


def count_use(pk, *, refused):
    """Count a request of a key in the cache; write to its day every 100 requests, and at most once a minute before.

    So a cache that is lost takes with it at most the last 99 requests of a key, and while requests come none that is
    older than a minute; where each process has a cache of its own, so many for each process.
    """
    today = timezone.localdate()
    requests = tick(pending(pk, today, "requests"), KEPT_DAYS * 86400)
    if refused:
        tick(pending(pk, today, "refused"), KEPT_DAYS * 86400)
    if requests >= FLUSH_REQUESTS or cache.add(f"api-use-{pk}-written", 1, FLUSH_SECONDS):
        flush(pk)


def flush(pk):
    """Write what the cache has counted of a key, today's and what a quiet key left behind on the days before.

    Only what was written is taken off the count, by whoever holds the lock; where the database does not take it, it
    waits for the next time, and the request that came by is answered all the same.
    """
    today = timezone.localdate()
    days = [today - timedelta(n) for n in range(KEPT_DAYS)]
    names = {pending(pk, day, column): (day, column) for day in days for column in ("requests", "refused")}
    lock = f"api-use-{pk}-lock"
    if not cache.add(lock, 1, LOCK_SECONDS):
        return
    try:
        for name, number in cache.get_many(names).items():
            if number > 0:
                add_use(pk, *names[name], number)
                with suppress(ValueError):  # the cache dropped it in between
                    cache.decr(name, number)
    except DatabaseError:
        logger.exception("The use of an API key could not be written; it stays counted.")
    finally:
        cache.delete(lock)


def add_use(pk, day, column, number):
    """Add to one figure of one day, in a statement of its own; the first of a day makes its row."""
    row = ApiUse.objects.filter(key=pk, day=day)
    added = {column: F(column) + number}
    with transaction.atomic():
        if not row.update(**added):
            ApiUse.objects.get_or_create(key_id=pk, day=day)
            row.update(**added)
