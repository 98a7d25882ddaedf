#!/usr/bin/env python3
"""A TDS 7.4 server for tests, on loopback, each database a SQLite file. See the other files of this folder.

server.py FOLDER [CERTIFICATE KEY]: prints "PORT CONTROL_PORT" when it listens, and ends with its standard input.
The control port takes one JSON object a connection and answers with one.
"""
import json
import pathlib
import re
import socket
import socketserver
import ssl
import sys
import threading

from database import Connection, stored_types
from session import Rights, Session


class Server:
    def __init__(self, folder, certificate=None, key=None):
        self.folder = pathlib.Path(folder)
        self.users = {"sa": {"password": "secret", "server_roles": ["sysadmin"]}}
        self.snapshots, self.collations, self.log, self.logins, self.unknown = set(), {}, [], [], []
        self.attentions, self.sockets = 0, []
        self.hold_bulk = False
        self.tls, self.tls_mode = None, "none"
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.maximum_version = ssl.TLSVersion.TLSv1_2  # as SQL Server with TDS 7.4
            self.tls.load_cert_chain(certificate, key)
        for name in ("master",):
            self.create(name)

    def encryption(self, asked):
        """MS-TDS 2.2.6.5: what is answered to ENCRYPT_OFF (0), ENCRYPT_ON (1) and ENCRYPT_NOT_SUP (2)."""
        if self.tls_mode == "none" or asked == 2 and self.tls_mode != "required":
            return 2
        return 1 if self.tls_mode == "required" else asked

    def database_file(self, name):
        path = self.folder / f"{name}.db"
        return str(path) if path.exists() else None

    def databases(self):
        return sorted(path.stem for path in self.folder.glob("*.db"))

    def collation_of(self, name):
        return self.collations.get(name, "Latin1_General_CI_AS")

    def create(self, name, snapshot=False):
        for end in (".db", ".db-wal", ".db-shm"):
            (self.folder / (name + end)).unlink(missing_ok=True)
        (self.folder / f"{name}.db").touch()
        (self.snapshots.add if snapshot else self.snapshots.discard)(name)
        self.collations.pop(name, None)

    # ---- control -------------------------------------------------------------------------------------------------------
    def control(self, request):
        return getattr(self, "do_" + request.pop("do"))(**request)

    def do_create(self, database, snapshot=False):
        self.create(database, snapshot)

    def do_collate(self, database, collation):
        """ALTER DATABASE … COLLATE, which waits until nobody is in it."""
        self.collations[database] = collation

    def do_run(self, database, sql):
        """SQLite's DDL and DML with T-SQL types, as a test writes it."""
        db = Connection(self.database_file(database), Rights("sa", self.users["sa"], database, False))
        try:
            first = None
            for statement in sql.split(";;" if ";;" in sql else ";"):
                if m := re.fullmatch(r"\s*CREATE TYPE (\w+) FROM (.*?)\s*", statement, re.S | re.I):
                    db.create_type(*m.groups())
                    continue
                text = stored_types(statement, db.aliases()) if statement.strip().upper().startswith("CREATE TABLE") else statement
                row = db.execute(text).fetchone()
                first = first if first is not None or not row else str(row[0])
            return first
        finally:
            db.db.close()

    def do_user(self, name, **spec):
        self.users[name] = spec

    def do_tls(self, mode):
        self.tls_mode = mode

    def do_hold_bulk(self, on):
        """The end of a bulk load is not acknowledged before an attention comes."""
        self.hold_bulk = on

    def do_hang_up(self, hears=False):
        """Ends all connections, as a server that restarts; one that still hears takes the statement and says nothing."""
        for sock in self.sockets:
            try:
                sock.shutdown(socket.SHUT_WR if hears else socket.SHUT_RDWR)
            except OSError:
                pass  # has ended before
        self.sockets = []

    def do_seen(self):
        """What has come since the last time this was asked."""
        seen = {"statements": self.log, "logins": self.logins, "unknown": self.unknown, "attentions": self.attentions}
        self.log, self.logins, self.unknown, self.attentions = [], [], [], 0
        return seen


def listen(handle):
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            # As SQL Server does: the second packet of a reply must not wait for the first one's acknowledgement.
            self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            handle(self.request)

    class Listener(socketserver.ThreadingTCPServer):
        daemon_threads = allow_reuse_address = True
        request_queue_size = 64

    listener = Listener(("127.0.0.1", 0), Handler)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    return listener.server_address[1]


def main():
    server = Server(*sys.argv[1:])

    def control(sock):
        with sock.makefile("rw", encoding="utf-8") as stream:
            try:
                answer = {"ok": server.control(json.loads(stream.readline()))}
            except Exception as error:  # noqa: BLE001
                answer = {"error": str(error) or repr(error)}
            stream.write(json.dumps(answer) + "\n")

    print(listen(lambda sock: Session(server, sock).run()), listen(control), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
