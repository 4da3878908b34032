"""How long the portal takes from nothing to its first page, beside an empty Django project."""

import os
import subprocess
import sys
import tempfile
import time
from statistics import median

from tests.benchmarks.serving import ROOT, Server, empty_project, environment, gunicorn

ROUNDS = 3


def measured():
    """Return {what is started: median seconds to the first 200}, once it has been started before.

    The database of the demo is filled by then. All keep their bytecode, as Python does unless it is told not to: where
    only what is installed has some, ours alone would be compiled at every start.
    """
    with tempfile.TemporaryDirectory() as folder, empty_project() as project:
        env = environment(DATABASE_URL=f"sqlite:///{folder}/demo.sqlite3", PYTHONPYCACHEPREFIX=folder)
        for name in ("DJANGO_SETTINGS_MODULE", "DEBUG", "PAGE_CACHE", "PYTHONDONTWRITEBYTECODE"):
            env.pop(name, None)
        python = {name: word for name, word in env.items() if name.startswith("PYTHON")}
        unset = "DJANGO_SETTINGS_MODULE", "PYTHONDONTWRITEBYTECODE"
        plain = {name: word for name, word in os.environ.items() if name not in unset} | python
        demo = [sys.executable, "manage.py", "demo"]
        subprocess.run([*demo, "--no-serve"], cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)
        run = [sys.executable, "manage.py", "runserver", "--noreload"]
        started = {
            "demo": lambda: Server("demo", lambda port: [*demo, f"--port={port}"], "/zh/", ROOT, env),
            "gunicorn": lambda: Server(
                "gunicorn", lambda port: gunicorn("portal.wsgi", port), "/zh/", ROOT, {**env, "DEBUG": "false"}
            ),
            "empty": lambda: Server("empty", lambda port: [*run, str(port)], "/", project, plain),
        }
        taken = {name: [] for name in started}
        for _ in range(1 + ROUNDS):
            for name, make in started.items():
                taken[name].append(seconds(make()))
    return {name: median(each[1:]) for name, each in taken.items()}


def seconds(server):
    start = time.perf_counter()
    with server:
        status = server.ready()
        assert status == 200, (server.name, status)
        return time.perf_counter() - start
