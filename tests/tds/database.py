"""A database of the test server: one SQLite file that keeps the declared T-SQL types, and its sys views."""
import re
import sqlite3
import zlib
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from sqltypes import CLR_TYPES, SqlError, Type

NUMBERS = re.compile(r"\b(decimal|numeric|dec|money|smallmoney)\b(\s*\(\s*\d+\s*(?:,\s*\d+\s*)?\))?", re.I)
INSTANTS = re.compile(r"\bdatetimeoffset\b(\s*\(\s*\d\s*\))?", re.I)
LONG = re.compile(r"\b(n?varchar|varbinary)\s*\(\s*max\s*\)", re.I)
TEXTS = re.compile(r"\b(xml|sql_variant|uniqueidentifier|hierarchyid)\b", re.I)
SYSNAME, FIRST_ALIAS = 256, 257  # user_type_id
SYSTEM_TYPES = {"image": 34, "text": 35, "uniqueidentifier": 36, "date": 40, "time": 41, "datetime2": 42, "datetimeoffset": 43, "tinyint": 48,
                "smallint": 52, "int": 56, "smalldatetime": 58, "real": 59, "money": 60, "datetime": 61, "float": 62, "sql_variant": 98,
                "ntext": 99, "bit": 104, "decimal": 106, "numeric": 108, "smallmoney": 122, "bigint": 127, "varbinary": 165, "varchar": 167,
                "binary": 173, "char": 175, "timestamp": 189, "nvarchar": 231, "nchar": 239, "xml": 241}
COLLATIONS = {"Latin1_General_CI_AS": str.lower, "Latin1_General_CS_AS": str,
              "Turkish_CI_AS": lambda text: text.replace("I", "ı").lower(),
              # cs is one letter, in capitals too, and cS are two
              "Hungarian_CI_AS": lambda text: re.sub("cs|Cs|CS", "ć", text).lower()}
CLR = 240
OWN_TABLES = ("tds_modules", "tds_history", "tds_aliases")
DELETE_ACTIONS = {"CASCADE": 1, "SET NULL": 2, "SET DEFAULT": 3}
TEXT_TYPES = {"varchar", "char", "nvarchar", "nchar", "text", "ntext"}


def stored_types(ddl, aliases=()):
    """Declared types with the affinity and the collation SQLite needs to keep and to order their values as they are."""
    for alias in aliases:
        ddl = re.sub(rf"\b{alias}\b", f"{alias}_text", ddl, flags=re.I)
    ddl = LONG.sub(r"\1_max", ddl)
    ddl = NUMBERS.sub(lambda m: f"{m[1]}_text{m[2] or ''} COLLATE tds_number", ddl)
    ddl = INSTANTS.sub(lambda m: f"datetimeoffset{m[1] or ''} COLLATE tds_instant", ddl)
    return TEXTS.sub(lambda m: f"{m[1]}_text", ddl)


def declared(text, aliases):
    """The T-SQL type of a column as stored_types() wrote it; None when SQLite does not know it."""
    text = (text or "").replace("_text", "").replace("_max", "(max)").strip()
    if text.lower() in aliases:
        base = Type.parse(aliases[text.lower()])
        return Type(base.name, base.first, base.second, text.lower())
    return Type.parse(text) if text else None


def compare(a, b):
    return (a > b) - (a < b)


def cast(kind, value):
    return Type.parse(kind).convert(value)


def assign(kind, value):
    return Type.parse(kind).convert(value, implicit=True)


def text_of(moment):
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f") + "0"


def later(unit, count, text):
    return text_of(datetime.strptime(text[:-1], "%Y-%m-%d %H:%M:%S.%f") + timedelta(**{unit + "s": count}))


def switch_offset(instant, offset):
    return None if instant is None else instant[:28] + offset


def quotename(name):
    return "[" + name.replace("]", "]]") + "]"


class Connection:
    """One session's SQLite connection. `collation`: of its texts and of its names."""

    def __init__(self, path, rights, collation="Latin1_General_CI_AS"):
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=2)
        self.rights = rights
        self.failure = None
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("CREATE TEMP TABLE described (state TEXT)")  # what the sys views show
        self.db.execute("PRAGMA synchronous=OFF")  # no test cuts this server's power
        self.db.execute("PRAGMA case_sensitive_like=ON")
        self.db.execute("PRAGMA foreign_keys=ON")
        self.db.create_collation("tds_number", lambda a, b: compare(Decimal(a), Decimal(b)))
        self.db.create_collation("tds_instant", lambda a, b: compare(a[:27], b[:27]))
        key = COLLATIONS[collation]
        for name in ("DATABASE_DEFAULT", "CATALOG_DEFAULT"):
            self.db.create_collation(name, lambda a, b: compare(key(a), key(b)))
        for name, count, function in (("tds_cast", 2, cast), ("tds_assign", 2, assign), ("quotename", 1, quotename), ("switchoffset", 2, switch_offset),
                                      ("has_perms_by_name", -1, rights.has_perms), ("is_srvrolemember", 1, rights.is_server_role),
                                      ("is_rolemember", 1, rights.is_database_role), ("concat", -1, lambda *v: "".join(str(x) for x in v if x is not None)),
                                      ("suser_sname", 0, lambda: rights.user), ("db_name", 0, lambda: rights.database),
                                      ("sysutcdatetime", 0, lambda: text_of(datetime.now(timezone.utc))), ("dateadd", 3, later), ("object_id", -1, self.object_id),
                                      ("serverproperty", 1, lambda name: {"ProductVersion": "13.0.5026.0"}.get(name)),
                                      ("datalength", 1, lambda v: None if v is None else len(v) if isinstance(v, bytes) else len(v.encode("utf-16-le")))):
            self.db.create_function(name, count, self.guarded(function))

    def guarded(self, function):
        """SQLite swallows what a function raises: it is kept, to be raised once the statement has ended."""
        def call(*arguments):
            try:
                return function(*arguments)
            except SqlError as error:
                self.failure = error
                raise
        return call

    def execute(self, sql, parameters=()):
        self.failure = None
        try:
            return self.db.execute(sql, parameters)
        except sqlite3.Error as error:
            raise self.translated(error) from None

    def translated(self, error):
        text = str(error)
        if self.failure:
            return self.failure
        if text == "interrupted":
            return SqlError(0, "interrupted")
        known = ((r"UNIQUE constraint failed: (.*)", 2627, "Violation of PRIMARY KEY constraint. Cannot insert duplicate key."),
                 (r"NOT NULL constraint failed: (.*)", 515, "Cannot insert the value NULL into a column that does not allow nulls."),
                 (r"FOREIGN KEY constraint failed", 547, "The statement conflicted with the FOREIGN KEY constraint."),
                 (r"CHECK constraint failed: (.*)", 547, "The statement conflicted with the CHECK constraint."),
                 (r"no such table: (.*)", 208, "Invalid object name '{}'."),
                 (r"no such column: (.*)", 207, "Invalid column name '{}'."),
                 (r"table .* already exists", 2714, "There is already an object of that name in the database."),
                 (r"database (?:table )?is locked.*", 1222, "Lock request time out period exceeded."),
                 (r'near "(.*)": syntax error', 102, "Incorrect syntax near '{}'."))
        for pattern, number, words in known:
            if m := re.search(pattern, text):
                return SqlError(number, words.format(*m.groups()))
        return SqlError(50000, f"SQLite: {text}")

    def tables(self):
        rows = self.db.execute("SELECT name, type, sql FROM main.sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
                               f" AND name NOT IN {OWN_TABLES}"
                               " ORDER BY rowid").fetchall()
        return [(1000 + i, name, kind, sql) for i, (name, kind, sql) in enumerate(rows)]

    def columns(self, table, schema="main"):
        """(name, Type or None, required, default, key position) of each column."""
        quoted = table.replace('"', '""')
        rows = self.db.execute(f'PRAGMA {schema}.table_xinfo("{quoted}")').fetchall()
        aliases = self.aliases()
        return [(r[1], declared(r[2], aliases), bool(r[3]) or bool(r[5]), r[4], r[5]) for r in rows]

    def object_id(self, name, kind=None):
        m = re.fullmatch(r"(?:\[dbo\]\.)?\[((?:[^\]]|\]\])+)\]", name) or re.fullmatch(r"(?:dbo\.)?(\w+)", name)
        if not m:
            return None
        wanted = m[1].replace("]]", "]")
        return next((number for number, name, *_ in self.tables() if name.lower() == wanted.lower()), None)

    # ---- the sys views: temporary tables, made anew when what they show has changed --------------------------------------
    def refresh_catalogue(self):
        own = [self.kept(name) for name in OWN_TABLES]
        schema = self.db.execute("SELECT name, sql FROM main.sqlite_master ORDER BY rowid").fetchall()
        state = repr((schema, own, self.rights.spec, self.rights.snapshot))
        if self.db.execute("SELECT state FROM temp.described").fetchone() != (state,):
            self.describe()
            self.db.execute("DELETE FROM temp.described")
            self.db.execute("INSERT INTO temp.described VALUES (?)", (state,))
        self.db.execute('DELETE FROM temp."sys.partitions"')
        for number, name, kind, _ in self.tables():
            if kind == "table":
                quoted = name.replace('"', '""')
                count = self.db.execute(f'SELECT count(*) FROM main."{quoted}"').fetchone()[0]
                self.db.execute('INSERT INTO temp."sys.partitions" VALUES (?, 1, 1, ?)', (number, count))

    def describe(self):
        run = self.db.execute
        for name, columns in SYS.items():
            run(f'DROP TABLE IF EXISTS temp."sys.{name}"')
            run(f'CREATE TEMP TABLE "sys.{name}" ({columns})')
        run('INSERT INTO temp."sys.schemas" VALUES (1, \'dbo\')')
        run('INSERT INTO temp."sys.databases" VALUES (5, ?, ?, 130)', (self.rights.database, 1 if self.rights.snapshot else 0))
        for name, number in SYSTEM_TYPES.items():
            run('INSERT INTO temp."sys.types" VALUES (?, ?, ?, 0)', (number, number, name))
        for name, number in CLR_TYPES.items():
            run('INSERT INTO temp."sys.types" VALUES (?, ?, ?, 0)', (CLR, number, name))
        users = {"sysname": SYSNAME} | CLR_TYPES
        run('INSERT INTO temp."sys.types" VALUES (231, ?, \'sysname\', 0)', (SYSNAME,))
        for number, (name, base) in enumerate(self.aliases().items(), FIRST_ALIAS):
            users[name] = number
            run('INSERT INTO temp."sys.types" VALUES (?, ?, ?, 1)', (SYSTEM_TYPES[Type.parse(base).name], number, name))
        for number, name, kind, sql in self.tables():
            altered = f"2026-01-02T03:04:{zlib.crc32(sql.encode()) % 60_000 / 1000:06.3f}"
            run('INSERT INTO temp."sys.objects" VALUES (?, 1, ?, ?, 0, ?)', (number, name, "U" if kind == "table" else "V", altered))
            if kind == "view" and self.rights.has_perms(name, "OBJECT", "VIEW DEFINITION"):
                run('INSERT INTO temp."sys.sql_modules" VALUES (?, ?, ?)', (number, *self.module(name)))
            if kind == "table":
                self.fill_keys(number, name)
            computed = self.computed(name)
            for place, (column, kept, required, default, _) in enumerate(self.columns(name), 1):
                kept = kept or Type.parse("nvarchar(4000)")
                collation = "Latin1_General_100_BIN2" if kept.name in TEXT_TYPES else None
                run('INSERT INTO temp."sys.columns" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, 0, ?, 0)',
                    (number, place, column, SYSTEM_TYPES.get(kept.name, CLR), users.get(kept.alias or kept.name, SYSTEM_TYPES.get(kept.name)),
                     kept.max_length(), kept.precision(), kept.scale(), collation, 0 if required else 1, column in computed, 9000 + place if default is not None else 0))
                if default is not None:
                    run('INSERT INTO temp."sys.default_constraints" VALUES (?, ?, ?, ?)', (9000 + place, number, place, f"({default})"))
                if column in computed:
                    run('INSERT INTO temp."sys.computed_columns" VALUES (?, ?, ?)', (number, place, computed[column]))
        numbers = {name: number for number, name, *_ in self.tables()}
        history = dict(self.kept("tds_history"))
        for name, number in numbers.items():
            run('INSERT INTO temp."sys.tables" VALUES (?, ?)', (number, numbers.get(history.get(name))))

    def kept(self, table):
        """The rows of a table with which a test says what SQLite does not keep."""
        if not self.db.execute("SELECT 1 FROM main.sqlite_master WHERE name = ?", (table,)).fetchone():
            return []
        return self.db.execute(f"SELECT * FROM main.{table}").fetchall()

    def aliases(self):
        """The types of the owner's own: name and what each stands for, in lower case."""
        return dict(self.kept("tds_aliases"))

    def create_type(self, name, base):
        self.db.execute("CREATE TABLE IF NOT EXISTS tds_aliases (name TEXT NOT NULL PRIMARY KEY, base TEXT NOT NULL)")
        self.db.execute("INSERT INTO tds_aliases VALUES (?, ?)", (name.lower(), base))

    def module(self, view):
        """Its definition and whether QUOTED_IDENTIFIER was ON, as tds_modules (view, definition, quoted) says, or SQLite."""
        for name, definition, quoted in self.kept("tds_modules"):
            if name == view:
                return definition, quoted
        return self.db.execute("SELECT sql FROM main.sqlite_master WHERE name = ?", (view,)).fetchone()[0], 1

    def computed(self, table):
        quoted = table.replace('"', '""')
        text = self.db.execute("SELECT sql FROM main.sqlite_master WHERE name = ?", (table,)).fetchone()[0]
        names = [r[1] for r in self.db.execute(f'PRAGMA main.table_xinfo("{quoted}")') if r[6] in (2, 3)]
        found = {}
        for name in names:
            start = re.search(rf"\b{re.escape(name)}\b[^,]*?\bAS\s*(?=\()", text, re.I).end()
            depth, end = 0, start
            while depth or end == start:
                depth += {"(": 1, ")": -1}.get(text[end], 0)
                end += 1
            found[name] = text[start:end]
        return found

    def fill_keys(self, number, table):
        run, quoted = self.db.execute, table.replace('"', '""')
        places = {name: place for place, (name, *_) in enumerate(self.columns(table), 1)}
        primary = sorted((c[4], c[0]) for c in self.columns(table) if c[4])
        if primary:
            run('INSERT INTO temp."sys.indexes" VALUES (?, 1, 1, 1, 0, 0)', (number,))
            for ordinal, (_, name) in enumerate(primary, 1):
                run('INSERT INTO temp."sys.index_columns" VALUES (?, 1, ?, ?, 0)', (number, places[name], ordinal))
        for index, row in enumerate(run(f'PRAGMA main.index_list("{quoted}")').fetchall(), 2):
            if not row[2] or row[3] == "pk":
                continue
            run('INSERT INTO temp."sys.indexes" VALUES (?, ?, 1, 0, ?, 0)', (number, index, row[4]))
            name = row[1].replace('"', '""')
            for ordinal, part in enumerate(run(f'PRAGMA main.index_info("{name}")').fetchall(), 1):
                run('INSERT INTO temp."sys.index_columns" VALUES (?, ?, ?, ?, 0)', (number, index, places[part[2]], ordinal))
        numbers = {name.lower(): n for n, name, *_ in self.tables()}
        for row in run(f'PRAGMA main.foreign_key_list("{quoted}")').fetchall():
            other = {name: place for place, (name, *_) in enumerate(self.columns(row[2]), 1)}
            if row[1] == 0:
                run('INSERT INTO temp."sys.foreign_keys" VALUES (?, ?, ?, ?)',
                    (number * 100 + row[0], number, numbers[row[2].lower()], DELETE_ACTIONS.get(row[6], 0)))
            run('INSERT INTO temp."sys.foreign_key_columns" VALUES (?, ?, ?, ?, ?, ?)',
                (number * 100 + row[0], row[1] + 1, number, places[row[3]], numbers[row[2].lower()], other[row[4]]))


SYS = {
    "external_tables": "object_id int",
    "schemas": "schema_id int, name nvarchar(128)",
    "databases": "database_id int, name nvarchar(128), snapshot_isolation_state tinyint, compatibility_level tinyint",
    "types": "system_type_id tinyint, user_type_id int, name nvarchar(128), is_user_defined bit",
    "objects": "object_id int, schema_id int, name nvarchar(128), type nchar(2), is_ms_shipped bit, modify_date nvarchar(40)",
    "partitions": "object_id int, index_id int, partition_number int, rows bigint",
    "columns": "object_id int, column_id int, name nvarchar(128), system_type_id tinyint, user_type_id int, max_length smallint, precision tinyint,"
               " scale tinyint, collation_name nvarchar(128), is_nullable bit, is_identity bit, is_computed bit, is_hidden bit,"
               " default_object_id int, is_column_set bit",
    "computed_columns": "object_id int, column_id int, definition nvarchar_max",
    "sql_modules": "object_id int, definition nvarchar_max, uses_quoted_identifier bit",
    "tables": "object_id int, history_table_id int",
    "default_constraints": "object_id int, parent_object_id int, parent_column_id int, definition nvarchar(4000)",
    "indexes": "object_id int, index_id int, is_unique bit, is_primary_key bit, has_filter bit, is_disabled bit",
    "index_columns": "object_id int, index_id int, column_id int, key_ordinal tinyint, is_included_column bit",
    "foreign_keys": "object_id int, parent_object_id int, referenced_object_id int, delete_referential_action tinyint",
    "foreign_key_columns": "constraint_object_id int, constraint_column_id int, parent_object_id int, parent_column_id int,"
                           " referenced_object_id int, referenced_column_id int",
}
