"""Servers in processes of their own on a free port of this machine, and the client that asks them.

All Django projects are served alike: Gunicorn, one worker of one thread, DEBUG off, so that no answer waits for another
one's turn. Requests go over connections that stay open: what is measured is the answer and not the handshake.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
WORKERS = 1
READY = 60  # seconds that a server has to begin to answer
SLOW = 30  # seconds after which an answer is no longer waited for
CONNECTIONS = WORKERS + 1  # at a time, so that a worker never waits for the client


def environment(**more):
    """Return the environment of production on this machine: DEBUG off, plain HTTP, no limit, no page kept."""
    return {
        **os.environ,
        "DEBUG": "false",
        "HTTPS": "false",
        "SECRET_KEY": "benchmark " * 6,
        "ALLOWED_HOSTS": "127.0.0.1",
        "API_ANON_RATE": "",
        "PAGE_CACHE": "0",
        "LOG_LEVEL": "ERROR",
        "DATABASE_URL": os.environ.get("DATABASE_URL") or f"sqlite:///{ROOT / 'db.sqlite3'}",
        **more,
    }


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def gunicorn(application, port):
    """Return the command that serves a WSGI application."""
    workers = [f"--workers={WORKERS}", "--worker-class=gthread", "--threads=1", "--keep-alive=75", "--timeout=120"]
    return [
        *(sys.executable, "-m", "gunicorn", application, f"--bind=127.0.0.1:{port}"),
        *(*workers, "--no-control-socket", "--log-level=error"),
    ]


def stopped(*_signal):
    """End as by Ctrl-C, so that no server is left behind."""
    raise SystemExit(1)


class Server:
    """A process that listens on `port` of this machine. `command` is a function of the port."""

    def __init__(self, name, command, path="/", cwd=ROOT, env=None):
        self.name, self.command, self.path, self.cwd, self.env = name, command, path, cwd, env
        self.port = free_port()
        self.process = None

    def __enter__(self):
        signal.signal(signal.SIGTERM, stopped)
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            self.command(self.port),
            cwd=self.cwd,
            env=self.env or environment(),
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )
        return self

    def __exit__(self, *_error):
        with self.log:
            for sign in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(self.process.pid, sign)
                    self.process.wait(5)
                    return
                except ProcessLookupError:
                    return
                except subprocess.TimeoutExpired:
                    continue

    def ready(self):
        """Wait for the first answer; returns its status."""
        until = time.monotonic() + READY
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            try:
                with Client(self.port) as client:
                    return client.get(self.path)[0]
            except (ConnectionError, TimeoutError):
                time.sleep(0.01)
        self.log.seek(0)
        raise SystemExit(f"{self.name} does not answer:\n{self.log.read().decode(errors='replace')[-3000:]}")

    def workers(self):
        """Return the ids of the processes that answer: the children, where there are any."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in children] or [self.process.pid]

    def memory(self):
        """Return (megabytes resident now, the most there were) of the largest worker."""
        return max(memory_of(pid) for pid in self.workers())


def memory_of(pid):
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return tuple(int(lines[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))


class Client:
    """One open connection. It reads an answer with less work than `http.client`, which takes longer than a bare view.

    What is sent is made once an address: requests differ in nothing else.
    """

    def __init__(self, port, wait=SLOW):
        self.port, self.wait, self.socket, self.asked = port, wait, None, {}

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()

    def close(self):
        if self.socket:
            self.socket.close()
            self.socket = None

    def send(self, path, headers):
        key = path, *headers
        if key not in self.asked:
            lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Accept: */*", *headers, "", ""]
            self.asked[key] = "\r\n".join(lines).encode()
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), self.wait)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(self.asked[key])

    def head(self):
        """Return (status, {header: value}, bytes of the body that came along)."""
        held = b""
        while b"\r\n\r\n" not in held:
            held += self.more()
        head, _, body = held.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        pairs = (line.split(b":", 1) for line in lines)
        return int(first.split()[1]), {name.lower(): value.strip() for name, value in pairs}, body

    def more(self):
        found = self.socket.recv(1 << 18)
        if not found:
            raise ConnectionError("The server has closed the connection.")
        return found

    def get(self, path, *headers):
        """Return (status, {header: value}, body) of a whole answer. `headers` are lines."""
        try:
            self.send(path, headers)
        except ConnectionError:  # closed meanwhile: once more on a new one
            self.close()
            self.send(path, headers)
        try:
            status, told, body = self.head()
            if b"content-length" in told:
                parts, missing = [body], int(told[b"content-length"]) - len(body)
                while missing > 0:
                    parts.append(self.more())
                    missing -= len(parts[-1])
                body = b"".join(parts)
            elif told.get(b"transfer-encoding") == b"chunked":
                while not body.endswith(b"0\r\n\r\n"):
                    body += self.more()
        except OSError:
            self.close()
            raise
        if told.get(b"connection", b"").lower() == b"close":
            self.close()
        return status, told, body

    def first(self, path):
        """Return the status of an answer of which no more than the first bytes are waited for."""
        self.close()
        self.send(path, ())
        status, told, body = self.head()
        if not body and told.get(b"content-length") != b"0" and status not in (204, 304):
            self.more()
        self.close()
        return status


# ---------------------------------------------------------------------------------------------------------------------
# How many requests a second
# ---------------------------------------------------------------------------------------------------------------------


class Target:
    """One address of a server asked over and over, or several in turn.

    `slow` is whether one answer took longer than is waited for.
    """

    def __init__(self, port, paths, *headers, status=200):
        self.port, self.headers, self.status = port, headers, status
        self.paths = cycle([paths] if isinstance(paths, str) else paths)
        self.rates, self.slow, self.connections = [], False, CONNECTIONS

    def ask(self, client):
        path = next(self.paths)
        status, _told, body = client.get(path, *self.headers)
        if status != self.status:
            raise SystemExit(f"{path} answers {status}, not {self.status}: {body[:500]!r}")

    def measure(self, seconds):
        """Ask for so many seconds, at least once, and note the requests a second."""
        counts, failed = [], []

        def asking(client):
            with client:
                try:
                    while time.perf_counter() < until:
                        self.ask(client)
                        counts.append(time.perf_counter())
                except (TimeoutError, SystemExit) as error:
                    failed.append(error)

        start = time.perf_counter()
        until = start + seconds
        threads = [threading.Thread(target=asking, args=[Client(self.port)]) for _ in range(self.connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for error in failed:
            if isinstance(error, SystemExit):
                raise error
        if failed:
            self.slow = True
        else:
            self.rates.append(len(counts) / (max(counts) - start))
        return max(counts, default=time.perf_counter()) - start

    def share(self, yardstick):
        """Return the requests a second as a share of another target's, the median of the rounds; 0 where it is slow."""
        rounds = zip(self.rates, yardstick.rates, strict=False)
        return 0 if self.slow or not self.rates else median(rate / other for rate, other in rounds)


def interleaved(targets, rounds, seconds, most):
    """Measure all targets in turn, round after round; one that has used up `most` seconds is left out of the rest."""
    used = dict.fromkeys(targets, 0)
    for target in targets:
        with Client(target.port) as client:
            start = time.perf_counter()
            try:
                target.ask(client)  # warm
            except TimeoutError:
                target.slow = True
            used[target] += time.perf_counter() - start
        if used[target] > seconds:
            target.connections = 1
    for _ in range(rounds):
        for target in targets:
            if not target.slow and (used[target] < most or not target.rates):
                used[target] += target.measure(seconds)


# ---------------------------------------------------------------------------------------------------------------------
# The servers
# ---------------------------------------------------------------------------------------------------------------------

BARE = """

from django.http import HttpResponse

urlpatterns.append(path("bare", lambda request: HttpResponse("bare")))
"""
SERVED = """

DEBUG, ALLOWED_HOSTS = False, ["127.0.0.1"]
"""


@contextmanager
def empty_project():
    """Yield the folder of a project as `startproject` makes it, with the middleware that comes with it."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "django", "startproject", "empty", folder], check=True)
        yield Path(folder)


@contextmanager
def bare():
    """Yield the Server of an empty project with one view, /bare: what Django costs at the least."""
    with empty_project() as folder:
        for name, more in (("urls", BARE), ("settings", SERVED)):
            with (folder / "empty" / f"{name}.py").open("a") as file:
                file.write(more)
        env = {name: word for name, word in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        with Server("bare", lambda port: gunicorn("empty.wsgi", port), "/bare", folder, env) as server:
            server.ready()
            yield server


@contextmanager
def portal(**variables):
    """Yield the Server of the portal."""
    env = environment(**variables)
    env.pop("DJANGO_SETTINGS_MODULE", None)
    collect = ["-m", "django", "collectstatic", "--noinput", "--verbosity=0", "--settings=portal.settings"]
    subprocess.run([sys.executable, *collect], env=env, cwd=ROOT, check=True)
    with Server("portal", lambda port: gunicorn("portal.wsgi", port), "/healthz", env=env) as server:
        server.ready()
        yield server
