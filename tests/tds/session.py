"""One client of the test server: prelogin, login, statements, bulk load, attention."""
import itertools
import re
import sqlite3
import struct
import threading

import wire
from catalogue import PROCEDURES, call
from database import Connection, declared
from sqltypes import SqlError, Type, read_data, read_info, read_value
from statements import SHAPES, quoted, sqlite_table, table_of, with_brackets
from transactions import manage

DONE, DONEPROC, DONEINPROC = 0xFD, 0xFE, 0xFF
MORE, ERROR, COUNT, ATTN = 0x01, 0x02, 0x10, 0x20
SP_EXECUTESQL = 10
PACKET = 4096
OPCODES_BETWEEN_ASKING = 10_000  # SQLite's; well below a millisecond


def b_varchar(text):
    return bytes([len(text)]) + text.encode("utf-16-le")


def us_varchar(text):
    return struct.pack("<H", len(text)) + text.encode("utf-16-le")


def token(kind, body):
    return bytes([kind]) + struct.pack("<H", len(body)) + body


def message_token(kind, number, state, severity, text):
    return token(kind, struct.pack("<iBB", number, state, severity) + us_varchar(text) + b_varchar("testserver") + b_varchar("") + struct.pack("<I", 1))


def done_token(kind, status, count=0):
    return struct.pack("<BHHQ", kind, status, 0xC1 if status & COUNT else 0, count)


class Rights:
    """What this user may do here; answers the rights functions of the catalogue."""

    def __init__(self, user, spec, database, snapshot):
        self.user, self.spec, self.database, self.snapshot = user, spec, database, snapshot
        self.all = "sysadmin" in spec.get("server_roles", [])

    def is_server_role(self, role):
        return 1 if self.all or role in self.spec.get("server_roles", []) else 0

    def is_database_role(self, role):
        return 1 if role in self.spec.get("database_roles", []) or self.all and role == "db_owner" else 0

    def has_perms(self, securable, kind, permission, part=None, part_kind=None):
        if self.all:
            return 1
        roles = self.spec.get("database_roles", [])
        if permission == "SELECT":
            name = f"{securable}.{part}" if part else securable
            return 0 if name in self.spec.get("hidden", []) or securable in self.spec.get("hidden", []) else 1
        if permission in ("INSERT", "UPDATE", "DELETE"):
            return 1 if "db_datawriter" in roles or securable in self.spec.get("writes", []) else 0
        return 1 if permission in self.spec.get("permissions", []) else 0


class Session:
    def __init__(self, server, sock):
        self.server, self.channel = server, wire.Channel(sock)
        self.database = None
        self.options, self.parameters = {}, {}
        self.in_transaction = self.cancelled = False
        self.bulk = self.identity = None
        self.stopped = threading.Event()
        self.reply = None
        self.kind = DONE
        self.has_more = False  # another statement of the same batch follows

    # ---- the connection ----------------------------------------------------------------------------------------------
    def run(self):
        self.server.sockets.append(self.channel.sock)
        try:
            if not self.login():
                return
            inbox = wire.Inbox(self.channel, self.attention)
            inbox.start()
            while True:
                kind, payload = inbox.messages.get()
                if kind is None:
                    return
                self.answer(kind, payload)
        except (OSError, wire.Gone):
            return
        finally:
            if self.database:
                if self.in_transaction:
                    self.database.db.execute("ROLLBACK")
                self.database.db.close()
            try:
                self.channel.sock.shutdown(2)
            except OSError:
                pass
            self.channel.sock.close()

    def login(self):
        kind, payload = wire.read_message(self.channel)
        if kind != wire.PRELOGIN:
            return False
        asked = self.option(payload, 1)
        offered = self.server.encryption(asked)
        self.channel.write_packets(wire.REPLY, prelogin_reply(offered), PACKET)
        if offered != 2:
            self.channel.start_tls(self.server.tls)
        kind, payload = wire.read_message(self.channel)
        if kind != wire.LOGIN7:
            return False
        if offered == 0:
            self.channel.stop_tls()
        return self.admit(login_fields(payload))

    @staticmethod
    def option(payload, wanted):
        at = 0
        while payload[at] != 0xFF:
            kind, offset, _size = struct.unpack(">BHH", payload[at:at + 5])
            if kind == wanted:
                return payload[offset]
            at += 5
        return 2

    def admit(self, fields):
        user, name = fields["user"], fields["database"] or "master"
        spec = self.server.users.get(user)
        self.server.logins.append({"user": user, "database": name, "application": fields["application"], "read_only": fields["read_only"]})
        reply = self.reply = wire.Reply(self.channel, PACKET)
        if spec is None or spec["password"] != fields["password"]:
            return self.turn_away(18456, 14, f"Login failed for user '{user}'.")
        path = self.server.database_file(name)
        if path is None or name in spec.get("shut_out_of", []):
            reply.add(message_token(0xAA, 4060, 1, 11, f'Cannot open database "{name}" requested by the login. The login failed.'))
            return self.turn_away(18456, 14, f"Login failed for user '{user}'.")
        self.database = Connection(path, Rights(user, spec, name, name in self.server.snapshots), self.server.collation_of(name))
        # Asked again and again: an interrupt() that comes before the statement has begun would be forgotten.
        self.database.db.set_progress_handler(lambda: self.cancelled, OPCODES_BETWEEN_ASKING)
        reply.add(token(0xE3, b"\x01" + b_varchar(name) + b_varchar("master")))
        reply.add(message_token(0xAB, 5701, 2, 0, f"Changed database context to '{name}'."))
        reply.add(token(0xE3, b"\x07\x05" + bytes([0x09, 0x04, 0xD0, 0x00, 0x34]) + b"\x00"))
        reply.add(token(0xE3, b"\x02" + b_varchar("us_english") + b_varchar("")))
        reply.add(token(0xAD, b"\x01" + bytes([0x74, 0x00, 0x00, 0x04]) + b_varchar("Microsoft SQL Server") + bytes([13, 0, 0, 0])))
        reply.add(token(0xE3, b"\x04" + b_varchar(str(PACKET)) + b_varchar(str(PACKET))))
        reply.add(done_token(DONE, 0))
        reply.end()
        return True

    def turn_away(self, number, severity, text):
        self.reply.add(message_token(0xAA, number, 1, severity, text))
        self.reply.add(done_token(DONE, ERROR))
        self.reply.end()
        return False

    def attention(self):
        self.server.attentions += 1
        self.stopped.set()
        self.cancelled = True

    # ---- messages ----------------------------------------------------------------------------------------------------
    def answer(self, kind, payload):
        self.reply = wire.Reply(self.channel, PACKET)
        self.kind, self.parameters, self.has_more = DONE, {}, False
        if kind == wire.ATTENTION:
            self.cancelled = False
            self.reply.add(done_token(DONE, ATTN))
            return self.reply.end()
        try:
            if self.cancelled:
                raise SqlError(0, "interrupted")
            if kind == wire.BATCH:
                reader = wire.Reader(payload)
                reader.all_headers()
                self.received("batch", reader.data[reader.at:].decode("utf-16-le"))
            elif kind == wire.RPC:
                self.rpc(wire.Reader(payload))
            elif kind == wire.BULK:
                self.load(wire.Reader(payload))
            elif kind == wire.TRANSACTION:
                manage(self, wire.Reader(payload))
            else:
                raise SqlError(8009, "The incoming tabular data stream (TDS) protocol stream is incorrect.")
        except SqlError as error:
            self.failed(error)
        self.reply.end()

    def failed(self, error):
        if error.text == "interrupted" and error.number == 0:
            if self.in_transaction and self.options.get("XACT_ABORT") == "ON":
                self.end("ROLLBACK")
            self.reply.add(done_token(self.kind, ERROR))
            return
        self.reply.add(message_token(0xAA, error.number, 1, error.severity, error.text))
        if self.in_transaction and self.options.get("XACT_ABORT") == "ON":
            self.end("ROLLBACK")
        self.reply.add(done_token(self.kind, ERROR))

    def rpc(self, reader):
        reader.all_headers()
        length = reader.u16()
        name = reader.u16() if length == 0xFFFF else reader.take(2 * length).decode("utf-16-le").lower()
        here = f"[{self.database.rights.database.lower()}].."
        if str(name).removeprefix(here) in PROCEDURES:
            return self.catalogue(name.removeprefix(here), reader)
        if name not in (SP_EXECUTESQL, "sp_executesql"):
            raise SqlError(2812, f"Could not find stored procedure '{name}'.")
        reader.u16()
        values = []
        while reader.more():
            parameter, status = reader.b_varchar(), reader.u8()
            if reader.data[reader.at] not in (0xE7, 0x63) and len(values) < 2:
                raise SqlError(214, "Procedure expects parameter '@statement' of type 'ntext/nchar/nvarchar'.")
            values.append((parameter, read_value(reader)))
        text = values[0][1]
        names = re.findall(r"(@\w+) ((?:\w+)(?:\([\w,]+\))?)", values[1][1] if len(values) > 1 else "")
        if len(names) != len(values[2:]):
            raise SqlError(8178, "The parameterized query expects a parameter which was not supplied.")
        for (name, kind), (_, value) in zip(names, values[2:]):
            self.parameters[name[1:]] = Type.parse(kind).convert(value, implicit=True)
        self.kind = DONEINPROC
        declared_as = ", ".join(f"{n} {k}" for n, k in names)
        self.received("rpc", text, declared_as, self.declarations(text))
        self.returned()

    def returned(self):
        self.reply.add(b"\x79\x00\x00\x00\x00" + done_token(DONEPROC, 0))

    def catalogue(self, name, reader):
        reader.u16()
        values = []
        while reader.more():
            parameter, _status = reader.b_varchar(), reader.u8()
            values.append((parameter, read_value(reader)))
        self.server.log.append({"how": "catalogue", "text": name, "parameters": ", ".join(f"{p} = {v}" for p, v in values)})
        self.kind = DONEINPROC
        call(self, name, values)
        self.returned()

    def declarations(self, text):
        """Variables declared before the statement, with an empty value each; the statement that follows."""
        while m := re.match(r"DECLARE @(\w+) (nvarchar|varbinary)\(\d+\) = (?:N''|0x); ", text):
            self.parameters[m[1]] = "" if m[2] == "nvarchar" else b""
            text = text[m.end():]
        return text

    def received(self, how, text, parameters="", statement=None):
        self.server.log.append({"how": how, "text": text, "parameters": parameters})
        self.execute(text if statement is None else statement)

    # ---- statements --------------------------------------------------------------------------------------------------
    def execute(self, text):
        statement = with_brackets(text.strip())
        for pattern, do in SHAPES:
            if m := pattern.fullmatch(statement):
                self.has_rows = False
                do(self, m)
                if not self.has_rows:
                    self.done()
                return
        self.server.unknown.append(text)
        raise SqlError(40000, "The test server does not know this statement: " + text[:200])

    def done(self):
        self.reply.add(done_token(self.kind, self.more()))

    def more(self):
        return MORE if self.kind == DONEINPROC or self.has_more else 0

    def begin(self):
        if self.in_transaction:
            raise SqlError(40000, "The test server knows no nested transactions.")
        level = self.options.get("TRANSACTION", "")
        if level.endswith("SNAPSHOT") and not self.database.rights.snapshot:
            raise SqlError(3952, "Snapshot isolation transaction failed accessing database because snapshot isolation is not allowed in this database.")
        self.database.execute("BEGIN")
        self.in_transaction = True
        self.reply.add(token(0xE3, b"\x08\x08" + struct.pack("<Q", 7) + b"\x00"))

    def end(self, how):
        if self.database.db.in_transaction:
            self.database.execute(how)
        self.in_transaction = False
        self.reply.add(token(0xE3, (b"\x09" if how == "COMMIT" else b"\x0a") + b"\x00\x08" + struct.pack("<Q", 7)))

    def need(self, permission):
        if not self.database.rights.has_perms("", "DATABASE", permission):
            raise SqlError(262, f"{permission} permission denied in database '{self.database.rights.database}'.", 14)

    def need_write(self, table):
        _, name = table_of(table)
        if not table.startswith("#") and not self.database.rights.has_perms(table, "OBJECT", "INSERT"):
            raise SqlError(229, f"The INSERT permission was denied on the object '{name}', database '{self.database.rights.database}', schema 'dbo'.", 14)

    def table_columns(self, name):
        schema, table = table_of(name)
        found = self.database.columns(table, schema)
        if not found:
            raise SqlError(208, f"Invalid object name '{table}'.")
        return [(n, kind or Type.parse("nvarchar(4000)")) for n, kind, *_ in found]

    def select(self, sql, kinds):
        known = self.origins(sql)
        cursor = self.database.execute(sql, self.parameters)
        names = [d[0] for d in cursor.description]
        try:
            first = cursor.fetchone()
        except sqlite3.Error as error:
            raise self.database.translated(error) from None
        columns = []
        for i, name in enumerate(names):
            kind = kinds[i] if len(kinds) == len(names) and kinds[i] else known[i] if i < len(known) and known[i] else of_value(first[i] if first else None)
            columns.append((name, kind))
        self.rows(columns, itertools.chain([first] if first else [], cursor))

    def origins(self, sql):
        """Declared types of the outputs that are plain columns: SQLite tells them of a view over the statement."""
        plain = re.sub(r":\w+", "NULL", sql)
        try:
            self.database.db.execute("DROP VIEW IF EXISTS temp.tds_outputs")
            self.database.db.execute(f"CREATE TEMP VIEW tds_outputs AS {plain}")
            rows = self.database.db.execute("PRAGMA temp.table_info(tds_outputs)").fetchall()
            self.database.db.execute("DROP VIEW temp.tds_outputs")
        except sqlite3.Error as error:
            raise self.database.translated(error) from None
        out, aliases = [], self.database.aliases()
        for row in rows:
            try:
                out.append(declared(row[2], aliases))
            except SqlError:
                out.append(None)
        return out

    def rows(self, columns, rows):
        self.has_rows = True
        meta = b"\x81" + struct.pack("<H", len(columns))
        for name, kind in columns:
            meta += struct.pack("<IH", 0, 0x09) + kind.info() + (b"\x01" + us_varchar("t") if kind.is_long() else b"") + b_varchar(name)
        self.reply.add(meta)
        count = 0
        try:
            for row in rows:
                if self.cancelled:
                    raise SqlError(0, "interrupted")
                self.reply.add(b"\xd1" + b"".join(kind.encode(value) for (_, kind), value in zip(columns, row)))
                count += 1
        except sqlite3.Error as error:
            raise self.database.translated(error) from None
        self.reply.add(done_token(self.kind, COUNT | self.more(), count))

    def load(self, reader):
        """BULK LOAD: COLMETADATA and rows as the client sends them; the types are the client's own."""
        table, names = self.bulk
        self.bulk = None
        self.need_write(table)
        if reader.u8() != 0x81:
            raise SqlError(4002, "The incoming tabular data stream (TDS) protocol stream is incorrect.")
        infos = []
        for _ in range(reader.u16()):
            reader.take(6)
            infos.append(read_info(reader))
            if infos[-1][0] in (0x22, 0x23, 0x63):
                reader.take(2 * reader.u16())
            reader.b_varchar()
        kinds = dict(self.table_columns(table))
        insert = f"INSERT INTO {sqlite_table(table)} ({', '.join(map(quoted, names))}) VALUES ({', '.join('?' * len(names))})"
        count = 0
        # FreeTDS ends the message without the DONE of the grammar, and SQL Server takes it so.
        while reader.more() and (kind := reader.u8()) == 0xD1:
            values = [read_data(reader, *info) for info in infos]
            self.database.execute(insert, [kinds[n].convert(v, implicit=True) for n, v in zip(names, values)])
            count += 1
        if infos and reader.more() and kind != DONE:
            raise SqlError(4002, "The incoming tabular data stream (TDS) protocol stream is incorrect.")
        if self.server.hold_bulk:
            self.stopped.wait(30)
            raise SqlError(0, "interrupted")
        self.server.log.append({"how": "bulk", "text": f"{len(infos)} columns", "parameters": ""})
        self.reply.add(done_token(DONE, COUNT, count))


def of_value(value):
    name = {int: "bigint", float: "float", bytes: "varbinary(8000)"}.get(type(value), "nvarchar(4000)")
    return Type.parse("nvarchar(max)" if isinstance(value, str) and len(value) > 4000 else name)


def prelogin_reply(encryption):
    options = ((0, bytes([13, 0, 0, 0, 0, 0])), (1, bytes([encryption])), (4, b"\x00"))
    offset = 5 * len(options) + 1
    head = body = b""
    for kind, value in options:
        head += struct.pack(">BHH", kind, offset + len(body), len(value))
        body += value
    return head + b"\xff" + body


def login_fields(payload):
    def text(at):
        offset, length = struct.unpack("<HH", payload[at:at + 4])
        return payload[offset:offset + 2 * length]
    hidden = text(44)
    password = bytes(((b ^ 0xA5) >> 4 | (b ^ 0xA5) << 4) & 0xFF for b in hidden).decode("utf-16-le")
    return {"user": text(40).decode("utf-16-le"), "password": password, "application": text(48).decode("utf-16-le"),
            "database": text(68).decode("utf-16-le"), "read_only": bool(payload[26] & 0x20)}
