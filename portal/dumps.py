"""Dumps as they lie on disk: each a folder of DUMP_DIR, named by its moment in UTC, there whole or not at all.

What a folder holds its manifest says: {as_of, software, licence, counts, files: [{name, bytes, sha256, media_type,
rows}]}. What is not in the manifest is not given out.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

NAME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{6}Z", re.ASCII)
FORMAT = "%Y-%m-%dT%H%M%SZ"
MANIFEST, SUMS = "manifest.json", "SHA256SUMS"
MEDIA_TYPES = {
    ".gz": "application/gzip",
    ".sqlite3": "application/vnd.sqlite3",
    ".json": "application/json",
    ".csv": "text/csv; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    "": "text/plain; charset=utf-8",
}


class DumpError(Exception):
    """Why no dump was written, in one sentence."""


@dataclass(frozen=True)
class File:
    """One file of a dump. `rows` are the objects in a file of JSON Lines."""

    name: str
    bytes: int
    sha256: str
    media_type: str
    rows: int | None = None


@dataclass(frozen=True)
class Dump:
    """One dump that is whole, as its manifest describes it."""

    folder: Path
    manifest: dict

    @property
    def as_of(self):
        return self.folder.name

    @property
    def moment(self):
        return datetime.strptime(self.as_of, FORMAT).replace(tzinfo=UTC)

    @property
    def files(self):
        return [File(**each) for each in self.manifest["files"]]

    def file(self, name):
        """Return a file by its name, or None; the manifest and the sums are files too."""
        if name in (MANIFEST, SUMS):
            return described(self.folder / name)
        return next((file for file in self.files if file.name == name), None)


def newest_first():
    """Yield every dump that is there."""
    folder = Path(settings.DUMP_DIR)
    names = sorted((path.name for path in folder.iterdir()), reverse=True) if folder.is_dir() else []
    yield from filter(None, map(find, names))


def find(as_of):
    """Return the dump of a moment, or None."""
    folder = Path(settings.DUMP_DIR) / as_of
    if not NAME.fullmatch(as_of):
        return None
    try:
        return Dump(folder, json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return None


def described(path, rows=None):
    """Return what the manifest says of a file, once its bytes are safe on disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return File(path.name, path.stat().st_size, sha256, MEDIA_TYPES[path.suffix], rows)


# ---------------------------------------------------------------------------------------------------------------------
# Putting one there
# ---------------------------------------------------------------------------------------------------------------------


@contextmanager
def partial(folder):
    """Yield a hidden folder in which a dump is made; nothing of it stays unless `publish` renamed it.

    One dump is written at a time, so whatever a process that was killed has left behind can go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DumpError(f"Another dump is being written into {folder}.") from error
        aside = folder / ".partial"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        try:
            yield aside
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def publish(aside, moment, about, rows):
    """Write manifest and sums of the files in a hidden folder, and give the folder its name; return its place.

    `rows` is {name of a file: number of objects in it}, `about` what else the manifest says.
    """
    target = aside.with_name(moment.strftime(FORMAT))
    if target.exists():
        raise DumpError(f"There is a dump of this second already: {target}.")
    files = [described(path, rows.get(path.name)) for path in sorted(aside.iterdir())]
    manifest = {"as_of": target.name, **about, "files": [vars(file) for file in files]}
    (aside / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    sums = [*files, described(aside / MANIFEST)]
    (aside / SUMS).write_text("".join(f"{file.sha256}  {file.name}\n" for file in sums), encoding="utf-8")
    described(aside / SUMS)
    aside.rename(target)
    return target


def prune(folder, keep):
    """Remove all dumps of a folder but the newest so many; return the names of those removed."""
    names = sorted((path.name for path in folder.iterdir() if NAME.fullmatch(path.name)), reverse=True)
    for name in names[keep:]:
        aside = folder / f".{name}"  # gone for readers at once, whatever happens to the rest
        (folder / name).rename(aside)
        shutil.rmtree(aside)
    return names[keep:]
