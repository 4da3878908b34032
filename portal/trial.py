"""A trial on this machine: the secret that is kept for it, and what production asks for where nobody has said it."""

import os
import secrets
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent


def kept_secret(path):
    """The secret in `path`; the first caller makes it. Not for production, which names its own SECRET_KEY.

    The file appears whole or not at all (written aside, then linked), so that processes started together agree.
    """
    if not path.exists():
        aside = path.with_name(f"{path.name}.{os.getpid()}")
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(64))
        try:
            os.link(aside, path)
        except FileExistsError:
            pass
        finally:
            aside.unlink()
    return path.read_text().strip()


def surround():
    """Give this process, before it reads the settings, the environment of production but for plain HTTP."""
    os.environ |= {"DEBUG": "false", "HTTPS": "false"}
    for name, value in (
        ("SECRET_KEY", kept_secret(BASE_DIR / ".secret_key")),
        ("ALLOWED_HOSTS", "127.0.0.1,localhost"),
        ("DATABASE_URL", f"sqlite:///{BASE_DIR / 'db.sqlite3'}"),
        ("STATEMENT_TIMEOUT", "5000"),
    ):
        os.environ[name] = os.environ.get(name) or value
