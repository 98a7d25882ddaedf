"""What the end-to-end tests share: roles as processes, a real PostgreSQL, SQLite files, the command line, raw HTTPS
and a raw WebSocket. Nothing here knows the product's insides: it starts the binary, talks to it as its users and
its enemies do, and waits for events. A wait polls a condition up to CEILING; there are no fixed sleeps."""

import base64
import contextlib
import ctypes
import datetime
import decimal
import glob
import http.client
import json
import os
import pwd
import random
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("VMC_BINARY") or str(ROOT / "build/release/vmc")
CEILING = 30.0  # s; every wait for an event
RUN_CEILING = float(os.environ.get("VMC_RUN_CEILING", 120))  # s; a whole execution
TENANT = "default"


def wait_until(what, condition, ceiling=CEILING):
    """The first true value of `condition`; fails with `what` (a text, or a function that makes one) otherwise."""
    end = time.monotonic() + ceiling
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {ceiling:g} s: {what() if callable(what) else what}")
        time.sleep(0.02)


_ports = set()


def free_port():
    """A port nobody listens on, below the range outgoing connections take theirs from."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        if port in _ports:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _ports.add(port)
        return port


_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent():
    _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: no role outlives a test that was killed


# --- processes -----------------------------------------------------------------------------------------------


class Process:
    """A program with its output in a file; started and ended as often as a test likes."""

    def __init__(self, name, words, log, env=None):
        self.name, self.words, self.log, self.env = name, [str(w) for w in words], Path(log), dict(env or {})
        self.running = None
        self.mark = 0  # where the log stood at the last start

    def start(self, **extra_env):
        assert self.running is None or self.running.poll() is not None, f"{self.name} runs already"
        self.mark = self.log.stat().st_size if self.log.exists() else 0
        env = {k: v for k, v in os.environ.items() if not k.startswith("VMC_")} | self.env
        env |= {k: str(v) for k, v in extra_env.items() if v is not None}
        with open(self.log, "ab") as out:
            self.running = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env,
                                            preexec_fn=_die_with_parent)
        return self

    def text(self, since=None):
        if not self.log.exists():
            return ""
        with open(self.log, "rb") as file:
            file.seek(self.mark if since is None else since)
            return file.read().decode(errors="replace")

    def wait_log(self, pattern, since=None, ceiling=CEILING):
        """The match of a pattern in what was written since the last start (or since `since`)."""
        seen = lambda: f"{self.name} has not written /{pattern}/; it wrote:\n{self.text(since)[-4000:]}"

        def look():
            found = re.search(pattern, self.text(since))
            if not found and not self.alive():
                found = re.search(pattern, self.text(since))
                if not found:
                    raise AssertionError(f"{self.name} has ended ({self.running and self.running.returncode}); {seen()}")
            return found

        return wait_until(seen, look, ceiling)

    def here(self):
        """A place in the log, for wait_log(since=…)."""
        return self.log.stat().st_size if self.log.exists() else 0

    @property
    def pid(self):
        return self.running.pid

    def alive(self):
        return self.running is not None and self.running.poll() is None

    def wait_end(self, ceiling=CEILING):
        wait_until(f"{self.name} to end", lambda: not self.alive(), ceiling)
        return self.running.returncode

    def signal(self, number):
        if self.alive():
            os.kill(self.pid, number)

    def kill(self):
        """kill -9, and its end."""
        self.signal(signal.SIGKILL)
        return self.wait_end()

    def freeze(self):
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def stop(self):
        """SIGTERM; what does not end by itself is killed, and the caller can ask whether that was needed."""
        if not self.alive():
            return True
        self.thaw()
        self.signal(signal.SIGTERM)
        try:
            self.running.wait(20)
            return True
        except subprocess.TimeoutExpired:
            self.kill()
            return False


class Done:
    """A command that has ended."""

    def __init__(self, words, code, out, err):
        self.words, self.code, self.out, self.err = words, code, out, err

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def error(self):
        """The last line of standard error that is a JSON object: what --json says about a failure."""
        for line in reversed(self.err.splitlines()):
            if line.startswith("{"):
                return json.loads(line)
        raise AssertionError(f"no error object on standard error of {self}")

    def __str__(self):
        return f"vmc {' '.join(self.words)}: exit code {self.code}\n--- out\n{self.out[-3000:]}\n--- err\n{self.err[-3000:]}"


def vmc(*words, stdin="", ceiling=RUN_CEILING, env=None):
    """Runs one command of the binary to its end."""
    words = [str(w) for w in words]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("VMC_")} | {k: str(v) for k, v in (env or {}).items()}
    done = subprocess.run([BINARY, *words], input=stdin.encode(), capture_output=True, timeout=ceiling, env=clean,
                          preexec_fn=_die_with_parent)
    return Done(words, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


# --- a platform and its agents -------------------------------------------------------------------------------

GATEWAY_TOML = """\
[gateway]
listen = "127.0.0.1:{port}"
state = "sqlite:state"
objects = "folder:objects"
bus = "local"
heartbeat_timeout = "{heartbeat_timeout}"
command_ttl = "10m"
sweep = "200ms"
authentication_timeout = "2s"
grace = "3s"
{extra}
[log]
level = "info"
format = "text"
"""

WORKER_TOML = """\
[worker]
state = "sqlite:state"
objects = "folder:objects"
bus = "local"
tier = "free"
lease = "2s"
sweep = "200ms"
command_ttl = "10m"
command_timeout = "{command_timeout}"
script_memory = "64MiB"
script_cpu = "{script_cpu}"
script_wall = "5s"

[tiers.free]
workers = 5

[log]
level = "info"
"""

# Behind what `vmc agent configure` writes, which ends inside [agent].
AGENT_TUNING = """\
heartbeat = "500ms"
command_timeout = "20s"
reconnect_min = "50ms"
reconnect_max = "1s"
offline_queue_max = "50MB"
commands_at_once = 4
chunk_bytes = "256KB"

[log]
level = "info"
"""


def toml(value):
    return json.dumps(value, ensure_ascii=False)


class Agent(Process):
    """An agent with a home and a configuration of its own."""

    def __init__(self, world, name, folder):
        self.world, self.agent_name, self.folder = world, name, Path(folder)
        self.home, self.config = self.folder / "home", self.folder / "etc" / "agent.toml"
        self.config.parent.mkdir(parents=True)
        self.key = self.key_id = None
        super().__init__(f"agent {name}", [BINARY, "agent", "--config", self.config, "--state", self.home],
                         self.folder / "agent.log", world.role_env)

    def cli(self, *words, stdin="", env=None):
        return vmc("--config", self.config, "--state", self.home, "--json", "agent", *words, stdin=stdin, env=env)

    def ok(self, *words, stdin=""):
        done = self.cli(*words, stdin=stdin)
        assert done.code == 0, done
        return done

    def configure(self, key, authority=None, url=None, force=False, env=None):
        words = ["configure", "--name", self.agent_name, "--cloud-url", url or f"wss://127.0.0.1:{self.world.port}/ws",
                 "--ca-file", authority or self.world.authority, "--api-key-stdin", *(["--force"] if force else [])]
        done = self.cli(*words, stdin=key + "\n", env=env)
        if done.code == 0:
            with open(self.config, "a") as file:
                file.write(AGENT_TUNING)
        return done

    def add_sqlite(self, connection, file, writable=(), private=(), queries=None):
        words = ["db", "add", connection, "--type", "sqlite", "--file", file]
        for table in writable:
            words += ["--writable-table", table]
        for name in private:
            words += ["--private", name]
        self.ok(*words, *(["--queries", queries] if queries else []))
        self.tune(connection)
        return self

    def add_postgres(self, connection, server, database, **options):
        return self.add_server("postgres", connection, server, database, **options)

    def add_mysql(self, connection, server, database, **options):
        return self.add_server("mariadb", connection, server, database, **options)

    def add_server(self, kind, connection, server, database, writable=(), private=(), queries=None, user=None, password=None, port=None):
        words = ["db", "add", connection, "--type", kind, "--host", "127.0.0.1", "--port", port or server.port,
                 "--database", database, "--user", user or server.user, "--sslmode", "disable", "--password-stdin"]
        for table in writable:
            words += ["--writable-table", table]
        for name in private:
            words += ["--private", name]
        self.ok(*words, *(["--queries", queries] if queries else []), stdin=(password or server.password) + "\n")
        self.tune(connection)
        return self

    def add_odbc(self, connection, server, database, *words, writable=(), password=None):
        """By Debian's driver for the server."""
        driver = next(iter(glob.glob("/usr/lib/*/odbc/" + {Postgres: "psqlodbcw.so", Mariadb: "libmaodbc.so"}[type(server)])))
        writing = [word for table in writable for word in ("--writable-table", table)]
        self.ok("db", "add", connection, "--type", "odbc", "--driver", driver, "--host", "127.0.0.1", "--port", server.port,
                "--database", database, "--user", server.user, "--password-stdin", *words, *writing,
                stdin=(password or server.password) + "\n")
        self.tune(connection)
        return self

    def tune(self, connection):
        with open(self.config.parent / "conf.d" / f"{connection}.toml", "a") as file:
            file.write("pool = { min = 1, max = 4 }\n")

    def publish(self, *connections):
        for connection in connections:
            self.ok("schema", "publish", "--yes", connection)
        return self

    def connected(self, since=None):
        self.wait_log(r"agent +connected ", since)
        return self

    def wait_published(self, *connections):
        for connection in connections:
            show = lambda: self.world.cli("schema", "show", self.agent_name, connection)
            wait_until(f"schema of {connection} at the cloud", lambda: show().code == 0)
        return self


class World:
    """One platform (gateway and worker over one state folder) and the agents of a test."""

    def __init__(self, folder, *, heartbeat_timeout="5s", command_timeout="1m", script_cpu="1s", gateway_extra="", watched=True):
        self.folder = Path(folder)
        self.state = self.folder / "cloud"
        self.crash_log = self.folder / "visited"
        self.role_env = {"VMC_CRASH_LOG": self.crash_log} if watched else {}
        self.port = free_port()
        self.agents = []
        for role, text in (
                ("gateway", GATEWAY_TOML.format(port=self.port, heartbeat_timeout=heartbeat_timeout, extra=gateway_extra)),
                ("worker", WORKER_TOML.format(command_timeout=command_timeout, script_cpu=script_cpu))):
            (self.folder / role).mkdir()
            (self.folder / role / f"{role}.toml").write_text(text)
        self.gateway = self._role("gateway")
        self.worker = self._role("worker")
        self._definitions = 0

    def _role(self, role):
        config = self.folder / role / f"{role}.toml"
        return Process(role, [BINARY, role, "--config", config, "--state", self.state], self.folder / f"{role}.log",
                       self.role_env)

    @property
    def authority(self):
        return self.state / "state" / "tls" / "authority.pem"

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def processes(self):
        return [*self.agents, self.worker, self.gateway]

    def start(self, *, worker=True):
        self.start_gateway()
        if worker:
            self.start_worker()
        return self

    def start_gateway(self, **env):
        self.gateway.start(**env)
        self.gateway.wait_log(r"gateway +ready ")

    def start_worker(self, **env):
        self.worker.start(**env)
        self.worker.wait_log(r"worker +ready ")

    def close(self):
        return [p.name for p in self.processes() if not p.stop()]

    # The command line, on the embedded store.
    def cli(self, *words, tenant=None, stdin="", ceiling=RUN_CEILING):
        who = ["--tenant", tenant] if tenant else []
        return vmc("--state", self.state, *who, "--json", *words, stdin=stdin, ceiling=ceiling)

    def ok(self, *words, **options):
        done = self.cli(*words, **options)
        assert done.code == 0, done
        return done.json

    # The command line over the network.
    def remote(self, token_file, *words):
        return vmc("--gateway", self.url, "--token-file", token_file, "--ca", self.authority, "--json", *words)

    def token(self, name="test", tenant=None):
        return self.ok("token", "create", "--name", name, tenant=tenant)["token"]

    def agent(self, name, *, key=None, start=True, folder=None):
        """A configured agent, connected unless `start` is false; connections come later."""
        agent = self.bare_agent(name, folder)
        if key is None:
            made = self.ok("key", "create", "--name", name)
            key, agent.key_id = made["key"], made["keyId"]
        agent.key = key
        done = agent.configure(key)
        assert done.code == 0, done
        if start:
            agent.start()
            agent.connected()
        return agent

    def bare_agent(self, name, folder=None):
        agent = Agent(self, name, self.folder / (folder or f"agent{len(self.agents)}"))
        self.agents.append(agent)
        return agent

    # Executions.
    def definition_file(self, definition):
        self._definitions += 1
        file = self.folder / f"workflow{self._definitions}.json"
        file.write_text(json.dumps(definition, ensure_ascii=False))
        return file

    def submit(self, definition):
        """Publishes and starts; the execution's id."""
        return self.ok("workflow", "run", self.definition_file(definition), "--detach")["executionId"]

    def finish(self, execution):
        """Waits for the end: (exit code, summary)."""
        done = self.cli("execution", "wait", execution)
        try:
            return done.code, done.json
        except ValueError:
            raise AssertionError(str(done)) from None

    def run(self, definition):
        return self.finish(self.submit(definition))

    def show(self, execution):
        return self.ok("execution", "show", execution)

    def events(self, execution, kind=None):
        done = self.cli("execution", "logs", execution)
        assert done.code == 0, done
        events = [json.loads(line) for line in done.out.splitlines()]
        return [e for e in events if kind is None or e["type"] == kind]

    def wait_event(self, execution, kind, count=1):
        what = lambda: f"{count} × {kind} of {execution}: {[e['type'] for e in self.events(execution)]}\n{self.show(execution)}"
        return wait_until(what, lambda: (found := self.events(execution, kind)) and len(found) >= count and found)

    def wait_status(self, execution, *statuses):
        return wait_until(lambda: f"status {statuses}: {self.show(execution)}",
                          lambda: (shown := self.show(execution))["status"] in statuses and shown)

    # Raw HTTPS.
    def http(self, method, path, body=None, token=None, headers=None):
        """(status, headers, body as JSON where it is, else bytes)"""
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=CEILING, context=trusting(self.authority))
        try:
            headers = dict(headers or {})
            if token:
                headers["Authorization"] = "Bearer " + token
            if isinstance(body, (dict, list)):
                body, headers["Content-Type"] = json.dumps(body), "application/json"
            try:
                connection.request(method, path, body=body, headers=headers)
            except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
                pass  # refused before the whole body was sent: the answer is there to be read
            response = connection.getresponse()
            data = response.read()
            with contextlib.suppress(ValueError):
                data = json.loads(data)
            return response.status, dict(response.getheaders()), data
        finally:
            connection.close()

    def chunk_files(self, buffer_key=""):
        """The files of stored chunks below a buffer key, in order: objects/buffer/TENANT/NN/,EXECUTION,COMMAND,…"""
        parts = buffer_key.strip("/").split("/") if buffer_key else []
        wanted = "," + ",".join(parts[1:]) + "," if len(parts) > 1 else ","
        folder = self.state / "objects" / "buffer"
        return sorted((f for f in folder.rglob(",*") if f.is_file() and f.name.startswith(wanted)), key=lambda f: f.name)


def flip_bit(file, offset=None):
    """One bit of a stored file turns over."""
    data = bytearray(Path(file).read_bytes())
    data[len(data) // 3 if offset is None else offset] ^= 0x10
    Path(file).write_bytes(data)


def workflow(name, source, destination, *, key="id", mode="full", cursor=None, overlap=None, rows_per_part=100,
             script=None, load_mode="upsert", where=None, columns=None, max_refused=None):
    """A definition: one extract, at most one script, one load. source, destination: (connector, connection, table)."""
    params = {"table": source[2], "mode": mode, "rowsPerPart": rows_per_part}
    for name_, value in (("cursor", cursor), ("overlap", overlap), ("where", where), ("columns", columns)):
        if value is not None:
            params[name_] = value
    load = {"table": destination[2], "mode": load_mode}
    if key:
        load["conflictKey"] = key
    if max_refused is not None:
        load["maxRefused"] = max_refused
    activities = [{"id": "read", "type": "extract", "connector": source[0], "aggregator": source[1], "operation": "select",
                   "params": params}]
    if script:
        activities.append({"id": "shape", "type": "transform", "function": script})
    activities.append({"id": "write", "type": "load", "connector": destination[0], "aggregator": destination[1],
                       "operation": "bulkInsert", "params": load})
    steps = [{"id": str(i + 1), "activityId": a["id"], "dependsOn": [str(i)] if i else []} for i, a in enumerate(activities)]
    return {"name": name, "activities": activities, "steps": steps}


class E2ETest(unittest.TestCase):
    """A test with a folder of its own; everything it started is stopped, and logs are shown when it failed."""

    maxDiff = 4000

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="vmc-e2e-"))
        self.worlds = []
        self.started = []
        self.addCleanup(self._leave)

    def world(self, **options):
        folder = self.folder / f"w{len(self.worlds)}"
        folder.mkdir()
        world = World(folder, **options)
        self.worlds.append(world)
        return world

    def process(self, name, words, **env):
        process = Process(name, words, self.folder / f"{name}.log", env)
        self.started.append(process)
        return process

    def _leave(self):
        stuck = [name for world in self.worlds for name in world.close()]
        for process in self.started:
            process.stop()
        result = self._outcome.result
        failed = bool(stuck) or any(self in (test, getattr(test, "test_case", None)) for test, _ in [*result.failures, *result.errors])
        if failed:
            for process in [*self.started, *(p for w in self.worlds for p in w.processes())]:
                text = process.text(0)
                print(f"\n--- {process.name}: {process.log}\n{text[-int(os.environ.get('VMC_LOG_TAIL', 3000)):]}", file=sys.stderr)
        if os.environ.get("VMC_KEEP") and failed:
            print(f"kept: {self.folder}", file=sys.stderr)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.assertEqual(stuck, [], "did not end after SIGTERM")

    def assertSucceeded(self, code, summary, **counts):
        self.assertEqual((code, summary.get("status"), summary.get("proof")), (0, "succeeded", True), summary)
        self.assertEqual({k: summary[k] for k in counts}, counts, summary)

    def assertFailed(self, code, summary, error):
        self.assertEqual((code, summary.get("status"), summary.get("proof")), (8, "failed", False), summary)
        self.assertEqual(summary.get("code"), error, summary)
        self.assertTrue(summary.get("message"), summary)


class StatementsTest(E2ETest):
    """Statements sent to connection `erp` of agent `HQ` in self.cloud."""

    def ask(self, statement, *params, connection="erp"):
        words = [w for p in params for w in ("--param", p)]
        return self.cloud.cli("connector", "query", "HQ", connection, "--sql", "-", *words, stdin=statement)

    def rows(self, statement, *params):
        done = self.ask(statement, *params)
        self.assertEqual(done.code, 0, f"{statement}\n{done}")
        return done.json["rows"]

    def refused(self, code, *statements):
        for statement in statements:
            with self.subTest(statement):
                done = self.ask(statement)
                self.assertEqual((done.code != 0, done.error["code"]), (True, code), done)
                self.assertTrue(done.error["message"], done)

    def self_tested(self, connection="erp"):
        """A self-test in which the guard held, with its keywords and without: what it tells, the names of the escapes that
        keywords gave away, and of those that the database took once there was no guard."""
        tested = self.agent.ok("guard", "self-test", connection).json
        self.assertTrue(tested["held"], tested)
        for escape in tested["escapes"]:
            self.assertTrue(escape["guardLayer"] and escape["syntaxLayer"], escape)
        return (tested, {e["name"] for e in tested["escapes"] if e["byKeyword"]},
                {e["name"] for e in tested["escapes"] if not e["sessionError"]})


# --- SQLite ----------------------------------------------------------------------------------------------------

ITEMS = """CREATE TABLE {table} (id INTEGER NOT NULL PRIMARY KEY, name TEXT, price DECIMAL_TEXT(12,2), sold DATE,
           changed_at TIMESTAMP NOT NULL)"""
ITEM_COLUMNS = "id, name, price, sold, changed_at"
NAMES = ["Łódź", "東京 ネジ", "O'Brien \"x\"", "Παξιμάδι", None, "", "line\nbreak\ttab", "emoji 🧭", "plain"]
FIRST_ID = 9_007_199_254_740_993  # beyond what a double holds


@contextlib.contextmanager
def sqlite(file):
    db = sqlite3.connect(str(file), timeout=30)
    try:
        with db:
            yield db
    finally:
        db.close()


def item(number, moment="2024-03-01 08:00:00", first_id=FIRST_ID):
    price = None if number % 7 == 3 else str(decimal.Decimal(number * 37 % 1_000_003).scaleb(-2))
    sold = None if number % 5 == 2 else f"2023-{1 + number % 12:02}-{1 + number % 28:02}"
    when = datetime.datetime.fromisoformat(moment) + datetime.timedelta(seconds=number // 3)  # three share a moment
    return first_id + number, NAMES[number % len(NAMES)], price, sold, when.isoformat(" ")


def make_items(file, rows, table="items", others=()):
    """A SQLite file with a filled table and empty ones of the same shape."""
    with sqlite(file) as db:
        db.execute("PRAGMA journal_mode=WAL")
        for name in (table, *others):
            db.execute(ITEMS.format(table=name))
        db.executemany(f"INSERT INTO {table} VALUES (?,?,?,?,?)", (item(n) for n in range(rows)))
    return file


def rows_of(file, table, columns=ITEM_COLUMNS, order="id"):
    """Every row, each value with the type SQLite stores it in: 1.5 and '1.5' are two things."""
    with sqlite(file) as db:
        names = [c.strip() for c in columns.split(",")]
        typed = ", ".join(f"{n}, typeof({n})" for n in names)
        return db.execute(f"SELECT {typed} FROM {table} ORDER BY {order}").fetchall()


# --- PostgreSQL ------------------------------------------------------------------------------------------------


class Postgres:
    """A real server on loopback with a data folder of its own, as user postgres."""

    user, password = "postgres", "pg-secret-word"

    def __init__(self, options=("fsync=off",)):
        self.options = options
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
        if not found:
            raise RuntimeError("no PostgreSQL server is installed (tests/packages.txt)")
        self.bin = found[-1].parent
        self.account = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="vmc-e2e-pg-"))
        self.port = free_port()
        (self.folder / "pw").write_text(self.password)
        if self.account:
            for path in (self.folder, self.folder / "pw"):
                os.chown(path, self.account.pw_uid, self.account.pw_gid)
        subprocess.run([self.bin / "initdb", "-D", self.folder / "data", "-A", "scram-sha-256", "-U", self.user, "-E", "UTF8",
                        "--locale=C.UTF-8", f"--pwfile={self.folder / 'pw'}", "-N", "--no-instructions"],
                       check=True, capture_output=True, preexec_fn=self._as_postgres, cwd=self.folder)
        self.running = None
        self.start()

    def _as_postgres(self):
        if self.account:
            os.setgroups([])
            os.setgid(self.account.pw_gid)
            os.setuid(self.account.pw_uid)
        _libc.prctl(1, signal.SIGQUIT)

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.running = subprocess.Popen(
                [self.bin / "postgres", "-D", self.folder / "data", "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
                 "-c", "unix_socket_directories=", "-c", "max_connections=40", *(f"--{o}" for o in self.options)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=self._as_postgres, cwd=self.folder)
        wait_until("PostgreSQL to answer", lambda: self._psql("postgres", "SELECT 1").returncode == 0)

    def stop(self):
        if self.running and self.running.poll() is None:
            self.running.send_signal(signal.SIGINT)  # fast: sessions are ended
            try:
                self.running.wait(20)
            except subprocess.TimeoutExpired:
                self.running.send_signal(signal.SIGQUIT)
                self.running.wait(20)

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _psql(self, database, sql):
        return subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port), "-U", self.user,
             "-d", database, "-f", "-"], input=sql.encode(), capture_output=True, env=os.environ | {
                 "PGPASSWORD": self.password, "PGSSLMODE": "disable", "PGCONNECT_TIMEOUT": "5", "PGCLIENTENCODING": "UTF8",
                 "PGTZ": "UTC"})

    def sql(self, database, text):
        done = self._psql(database, text)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def database(self, name, *tables):
        self.sql("postgres", f'DROP DATABASE IF EXISTS "{name}"; ')
        self.sql("postgres", f'CREATE DATABASE "{name}"')
        for table in tables:
            self.sql(name, table)
        return name

    def rows(self, database, table, columns, order="id"):
        """Every row as text, as the server prints it; \\N is NULL."""
        return self.sql(database, f"COPY (SELECT {columns} FROM {table} ORDER BY {order}) TO STDOUT").splitlines()

    @contextlib.contextmanager
    def lock(self, database, table):
        """Somebody holds the whole table while the block runs."""
        words = ["psql", "-X", "-q", "-A", "-t", "-h", "127.0.0.1", "-p", str(self.port), "-U", self.user, "-d", database]
        holder = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | {
            "PGPASSWORD": self.password, "PGSSLMODE": "disable"}, preexec_fn=_die_with_parent)
        try:
            holder.stdin.write(f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT 'held';\n".encode())
            holder.stdin.flush()
            assert holder.stdout.readline().strip() == b"held"
            yield
        finally:
            holder.stdin.close()
            holder.wait(20)
            holder.stdout.close()


# --- MariaDB ---------------------------------------------------------------------------------------------------


class Mariadb:
    """A real server on loopback with a data folder of its own."""

    user, password = "root", "my-secret-word"

    def __init__(self, options=("innodb-flush-log-at-trx-commit=0",)):
        self.folder = Path(tempfile.mkdtemp(prefix="vmc-e2e-my-"))
        self.port = free_port()
        account = ["--user=root"] if os.geteuid() == 0 else []
        # A server that starts clears the temporary tables in its tmpdir, those of others among them.
        subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={self.folder / 'data'}", f"--tmpdir={self.folder}", "--skip-test-db",
                        "--auth-root-authentication-method=normal", *account], check=True, capture_output=True, preexec_fn=_die_with_parent)
        (self.folder / "init.sql").write_text(f"SET PASSWORD FOR root@localhost = PASSWORD('{self.password}');\n"
                                              "DELETE FROM mysql.global_priv WHERE User = '';\nFLUSH PRIVILEGES;\n")
        (self.folder / "client.cnf").write_text(f"[client]\nhost=127.0.0.1\nprotocol=tcp\nport={self.port}\nuser=root\n"
                                                f"password={self.password}\n")
        with open(self.folder / "log", "ab") as log:
            self.running = subprocess.Popen(
                [shutil.which("mariadbd", path="/usr/sbin:/usr/bin"), "--no-defaults", f"--datadir={self.folder / 'data'}", f"--tmpdir={self.folder}",
                 "--bind-address=127.0.0.1", f"--port={self.port}", f"--socket={self.folder / 's'}", f"--pid-file={self.folder / 'pid'}",
                 f"--init-file={self.folder / 'init.sql'}", "--skip-log-bin", *(f"--{o}" for o in options), *account],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_die_with_parent)
        wait_until("MariaDB to answer", lambda: self._client("SELECT 1", "mysql").returncode == 0)

    def _client(self, text, database):
        return subprocess.run(["mariadb", f"--defaults-file={self.folder / 'client.cnf'}", "-N", "-B", "--default-character-set=utf8mb4",
                               database], input=text.encode(), capture_output=True)

    def sql(self, database, text):
        done = self._client(text, database)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def database(self, name, *texts):
        self.sql("mysql", f"DROP DATABASE IF EXISTS `{name}`; CREATE DATABASE `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        for text in texts:
            self.sql(name, text)
        return name

    def close(self):
        self.running.terminate()
        try:
            self.running.wait(30)
        except subprocess.TimeoutExpired:
            self.running.kill()
            self.running.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)


# --- TLS and WebSocket -------------------------------------------------------------------------------------------


def trusting(authority):
    context = ssl.create_default_context(cafile=str(authority))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


TEXT, BINARY_FRAME, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class RawLink:
    """A WebSocket over TLS, frame by frame, for peers that do not keep to the rules."""

    def __init__(self, world, path="/ws", protocol="vmc.v1"):
        raw = socket.create_connection(("127.0.0.1", world.port), timeout=CEILING)
        self.socket = trusting(world.authority).wrap_socket(raw, server_hostname="127.0.0.1")
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{world.port}", "Upgrade: websocket", "Connection: Upgrade",
                 f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
        if protocol:
            lines.append(f"Sec-WebSocket-Protocol: {protocol}")
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            piece = self.socket.recv(65536)
            if not piece:
                break
            self.buffer += piece
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        self.status = int(head.split()[1]) if head else 0
        self.head = head.decode()

    def frame(self, opcode, payload, *, masked=True, final=True, claim=None):
        """Sends one frame; `claim` is a length that is not that of the payload."""
        size = len(payload) if claim is None else claim
        head = bytes([(0x80 if final else 0) | opcode])
        bit = 0x80 if masked else 0
        head += bytes([bit | size]) if size < 126 else bytes([bit | 126]) + struct.pack(">H", size) if size < 65536 else \
            bytes([bit | 127]) + struct.pack(">Q", size)
        if masked:
            mask = os.urandom(4)
            head += mask
            repeated = (mask * (len(payload) // 4 + 1))[:len(payload)]
            payload = (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(len(payload), "big")
        self.socket.sendall(head + payload)

    def text(self, text):
        self.frame(TEXT, text if isinstance(text, bytes) else text.encode())

    def send(self, **fields):
        self.text(json.dumps(fields))

    def _exactly(self, count):
        while len(self.buffer) < count:
            piece = self.socket.recv(65536)
            if not piece:
                raise EOFError
            self.buffer += piece
        out, self.buffer = self.buffer[:count], self.buffer[count:]
        return out

    def receive(self):
        """("text", message) or ("close", code, reason); ("end",) when the connection is gone without a word."""
        try:
            while True:
                first, second = self._exactly(2)
                size = second & 0x7f
                if size == 126:
                    size, = struct.unpack(">H", self._exactly(2))
                elif size == 127:
                    size, = struct.unpack(">Q", self._exactly(8))
                payload = self._exactly(size)
                opcode = first & 0x0f
                if opcode == TEXT:
                    return "text", json.loads(payload)
                if opcode == CLOSE:
                    code = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 0
                    return "close", code, payload[2:].decode(errors="replace")
                if opcode == PING:
                    self.frame(PONG, payload)
        except (EOFError, ConnectionError, ssl.SSLError):
            return ("end",)

    def message(self, kind):
        """The next message of this type; others are passed over."""
        while True:
            got = self.receive()
            if got[0] != "text":
                raise AssertionError(f"{got} instead of a message {kind}")
            if got[1].get("type") == kind:
                return got[1]

    def until_closed(self):
        """Reads to the end: (messages, close code or None)."""
        messages = []
        while True:
            got = self.receive()
            if got[0] == "text":
                messages.append(got[1])
            else:
                return messages, got[1] if got[0] == "close" else None

    def enrol(self, key, name="hostile"):
        """Logs in with an API key and a device key nobody has the secret of; the answer."""
        self.message("challenge")
        self.send(type="auth", apiKey=key, publicKey=base64.b64encode(os.urandom(32)).decode(), installationId="ins_hostile",
                  lastEpoch=0, agentVersion="0", name=name)
        return self.receive()

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
