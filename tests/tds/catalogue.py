"""SQL Server's catalogue procedures, which ODBC drivers call for SQLTables, SQLColumns and their like.

Columns, their order and the order of the rows are those of Microsoft's "Catalog Stored Procedures"; the types of
newer servers come as sp_columns tells them to ODBC 3 clients of old: dates and times as nvarchar of their length,
(max) types as text, ntext and image. Only the types' names say what they are.
"""
import re

from database import SYS, Connection
from sqltypes import CLR_TYPES, SqlError, Type

WORDS = ("INSERT", "DELETE", "UPDATE", "SELECT", "REFERENCES")
FOLLOWS = {"CASCADE": 0, "NO ACTION": 1, "SET NULL": 2, "SET DEFAULT": 3}  # of ON UPDATE and ON DELETE
PROCEDURES = {}
PLACE = [("QUALIFIER", "sysname"), ("OWNER", "sysname"), ("NAME", "sysname")]
LONGEST = 2147483647


def place(prefix="TABLE_"):
    return [(prefix + name, kind) for name, kind in PLACE]


def procedure(names, *columns):
    """A procedure with these parameters, in their order; the function yields its rows."""
    def add(function):
        PROCEDURES[function.__name__] = (names.split(), [(n, Type.parse(k)) for n, k in columns], function)
        return function
    return add


def call(session, name, values):
    """values: (name or "", value) of each parameter."""
    names, columns, function = PROCEDURES[name]
    given = {}
    for number, (parameter, value) in enumerate(values):
        known = parameter[1:].lower() if parameter else names[number]
        if known not in names:
            raise SqlError(8145, f"{parameter} is not a parameter for procedure {name}.")
        given[known] = value
    here = session.database.rights.database
    if name == "sp_tableswc":
        return session.rows(columns, tables_of_matching(session, **given))
    for parameter in given:
        if parameter.endswith("qualifier") and given[parameter] not in (None, "", here):
            raise SqlError(15250, "The database name component of the object qualifier must be the name of the current database.")
    session.rows(columns, [tuple(row) for row in function(session.database, **given)])


def like(text, pattern):
    """T-SQL's LIKE, without regard to case; no pattern is no condition."""
    if pattern is None:
        return True
    parts = re.findall(r"\[[^\]]+\]|.", pattern, re.S)
    form = "".join({"%": ".*", "_": "."}.get(p, p if len(p) > 1 else re.escape(p)) for p in parts)
    return re.fullmatch(form, text, re.S | re.I) is not None


def same(text, name):
    return name is None or text.lower() == name.lower()


def visible(database):
    """(owner, name, type) of what this user may see, the server's own views included."""
    rows = [("dbo", name, "TABLE" if kind == "table" else "VIEW") for _, name, kind, _ in database.tables()
            if database.rights.has_perms(f"[dbo].[{name}]", "OBJECT", "SELECT")]
    return rows + [("sys", name, "VIEW") for name in SYS] + [("INFORMATION_SCHEMA", "COLUMNS", "VIEW")]


def tables_of(database, name, owner):
    return [table for table_owner, table, kind in visible(database) if kind == "TABLE" and same(table, name) and same(table_owner, owner)]


@procedure("table_name table_owner table_qualifier table_type fusepattern", *place(), ("TABLE_TYPE", "varchar(32)"), ("REMARKS", "varchar(254)"))
def sp_tables(database, table_name=None, table_owner=None, table_qualifier=None, table_type=None, fusepattern=1):
    matches = like if fusepattern in (None, 1) else same
    kinds = re.findall(r"'([^']*)'", table_type or "") or ["TABLE", "VIEW", "SYSTEM TABLE"]
    found = [(kind, owner, name) for owner, name, kind in visible(database)
             if kind in kinds and matches(name, table_name) and matches(owner, table_owner)]
    for kind, owner, name in sorted(found):
        yield database.rights.database, owner, name, kind, None


PROCEDURES["sp_tableswc"] = PROCEDURES["sp_tables"]


def tables_of_matching(session, table_qualifier=None, **given):
    """sp_tables of each database whose name is like the qualifier: what drivers call when there is a _ in it."""
    rights, rows = session.database.rights, []
    for name in session.server.databases():
        if name not in rights.spec.get("shut_out_of", []) and like(name, table_qualifier):
            other = Connection(session.server.database_file(name), type(rights)(rights.user, rights.spec, name, False))
            rows += sp_tables(other, **given)
            other.db.close()
    return sorted(rows, key=lambda row: (row[3], row[:3]))


@procedure("table_name table_owner table_qualifier column_name odbcver fusepattern", *place(), ("COLUMN_NAME", "sysname"),
           ("DATA_TYPE", "smallint"), ("TYPE_NAME", "sysname"), ("PRECISION", "int"), ("LENGTH", "int"), ("SCALE", "smallint"),
           ("RADIX", "smallint"), ("NULLABLE", "smallint"), ("REMARKS", "varchar(254)"), ("COLUMN_DEF", "nvarchar(4000)"),
           ("SQL_DATA_TYPE", "smallint"), ("SQL_DATETIME_SUB", "smallint"), ("CHAR_OCTET_LENGTH", "int"),
           ("ORDINAL_POSITION", "int"), ("IS_NULLABLE", "varchar(254)"), ("SS_DATA_TYPE", "tinyint"))
def sp_columns(database, table_name=None, table_owner=None, table_qualifier=None, column_name=None, odbcver=2, fusepattern=1):
    matches = like if fusepattern in (None, 1) else same
    for owner, table, _ in sorted(visible(database), key=lambda row: row[:2]):
        if not matches(table, table_name) or not matches(owner, table_owner):
            continue
        for number, (column, kind, required, default) in enumerate(columns_of(database, owner, table), 1):
            securable = f"[{owner}].[{table}]"
            if not like(column, column_name) or not database.rights.has_perms(securable, "OBJECT", "SELECT", column, "COLUMN"):
                continue
            code, named, precision, length, scale, radix = described(kind, odbcver)
            named = kind.alias or named
            base, sub = (9, code - 90) if code in (91, 92, 93) else (9, 3) if code == 11 else (code, None)
            octets = length if code in (1, 12, -1, -2, -3, -4, -8, -9, -10) else None
            yield (database.rights.database, owner, table, column, code, named, precision, length, scale, radix, 0 if required else 1,
                   None, None if default is None else f"({default})", base, sub, octets, number, "NO" if required else "YES", 0)


def columns_of(database, owner, table):
    """(name, Type, required, default) of each column."""
    if owner == "dbo":
        return [(name, kind or Type.parse("nvarchar(4000)"), required, default) for name, kind, required, default, _ in database.columns(table)]
    return [("name" if owner == "sys" else "TABLE_NAME", Type.parse("sysname"), True, None)]


def described(kind, odbcver):
    """DATA_TYPE, TYPE_NAME, PRECISION, LENGTH, SCALE, RADIX."""
    name, size = kind.name, kind.max_length()
    if kind.first == "max" or name in ("xml", "text", "ntext", "image"):
        return {"varchar": (-1, "text", LONGEST, LONGEST), "text": (-1, "text", LONGEST, LONGEST),
                "varbinary": (-4, "image", LONGEST, LONGEST), "image": (-4, "image", LONGEST, LONGEST)}.get(
                    name, (-10, "ntext", LONGEST // 2, LONGEST - 1)) + (None, None)
    numbers = {"bigint": (-5, 19, 8, 0, 10), "int": (4, 10, 4, 0, 10), "smallint": (5, 5, 2, 0, 10), "tinyint": (-6, 3, 1, 0, 10),
               "money": (3, 19, 21, 4, 10), "smallmoney": (3, 10, 12, 4, 10), "float": (6, 53, 8, None, 2), "real": (7, 24, 4, None, 2),
               "bit": (-7, 1, 1, None, None), "uniqueidentifier": (-11, 36, 16, None, None), "sql_variant": (-150, 8000, 8000, None, None),
               "timestamp": (-2, 8, 8, None, None), "datetime": (93 if odbcver == 3 else 11, 23, 16, 3, None),
               "smalldatetime": (93 if odbcver == 3 else 11, 16, 16, 0, None),
               "decimal": (3, kind.first, (kind.first or 0) + 2, kind.second, 10),
               "numeric": (2, kind.first, (kind.first or 0) + 2, kind.second, 10)}
    if name in CLR_TYPES:
        return -151, name, 0 if size < 0 else size, 0 if size < 0 else size, None, None
    if name in numbers:
        code, precision, length, scale, radix = numbers[name]
        return code, name, precision, length, scale, radix
    if name in ("date", "time", "datetime2", "datetimeoffset"):
        fraction = 1 + kind.first if kind.first else 0
        characters = {"date": 10, "time": 8 + fraction, "datetime2": 19 + fraction, "datetimeoffset": 26 + fraction}[name]
        return -9, name, characters, 2 * characters, None, None
    code = {"char": 1, "varchar": 12, "nchar": -8, "nvarchar": -9, "binary": -2, "varbinary": -3}[name]
    return code, name, kind.first, size, None, None


@procedure("table_name table_owner table_qualifier", *place(), ("COLUMN_NAME", "sysname"), ("KEY_SEQ", "smallint"), ("PK_NAME", "sysname"))
def sp_pkeys(database, table_name, table_owner=None, table_qualifier=None):
    for table in tables_of(database, table_name, table_owner):
        for number, column in primary_key(database, table):
            yield database.rights.database, "dbo", table, column, number, f"PK_{table}"


def primary_key(database, table):
    return sorted((column[4], column[0]) for column in database.columns(table) if column[4])


@procedure("pktable_name pktable_owner pktable_qualifier fktable_name fktable_owner fktable_qualifier", *place("PKTABLE_"),
           ("PKCOLUMN_NAME", "sysname"), *place("FKTABLE_"), ("FKCOLUMN_NAME", "sysname"), ("KEY_SEQ", "smallint"),
           ("UPDATE_RULE", "smallint"), ("DELETE_RULE", "smallint"), ("FK_NAME", "sysname"), ("PK_NAME", "sysname"),
           ("DEFERRABILITY", "smallint"))
def sp_fkeys(database, pktable_name=None, pktable_owner=None, pktable_qualifier=None, fktable_name=None, fktable_owner=None,
             fktable_qualifier=None):
    if pktable_name is None and fktable_name is None:
        raise SqlError(15252, "The primary or foreign key table name must be given.")
    here, found = database.rights.database, []
    for table in tables_of(database, fktable_name, fktable_owner):
        name = table.replace('"', '""')
        for number, place_in_key, other, column, other_column, on_update, on_delete, _ in database.db.execute(
                f'PRAGMA main.foreign_key_list("{name}")').fetchall():
            for referenced in tables_of(database, other, pktable_owner):
                if same(referenced, pktable_name):
                    found.append((here, "dbo", referenced, other_column, here, "dbo", table, column, place_in_key + 1, FOLLOWS.get(on_update, 1),
                                  FOLLOWS.get(on_delete, 1), f"FK_{table}_{number}", f"PK_{referenced}", 7))
    by_primary = fktable_name is not None and pktable_name is None
    return sorted(found, key=lambda row: (row[2] if by_primary else row[6], row[11], row[8]))


@procedure("table_name table_owner table_qualifier index_name is_unique accuracy", *place(), ("NON_UNIQUE", "smallint"),
           ("INDEX_QUALIFIER", "sysname"), ("INDEX_NAME", "sysname"), ("TYPE", "smallint"), ("SEQ_IN_INDEX", "smallint"),
           ("COLUMN_NAME", "sysname"), ("COLLATION", "char(1)"), ("CARDINALITY", "int"), ("PAGES", "int"), ("FILTER_CONDITION", "varchar(128)"))
def sp_statistics(database, table_name, table_owner=None, table_qualifier=None, index_name="%", is_unique="N", accuracy="Q"):
    here, clustered, other_index, statistics = database.rights.database, 1, 3, 0
    for table in tables_of(database, table_name, table_owner):
        count = database.db.execute('SELECT count(*) FROM main."{}"'.format(table.replace('"', '""'))).fetchone()[0]
        rows = [(here, "dbo", table, None, None, None, statistics, None, None, None, count, 1, None)]
        for number, column in primary_key(database, table):
            rows.append((here, "dbo", table, 0, table, f"PK_{table}", clustered, number, column, "A", count, 1, None))
        for _, name, unique, origin, partial in database.db.execute('PRAGMA main.index_list("{}")'.format(table.replace('"', '""'))).fetchall():
            if origin == "pk" or partial or (is_unique == "Y" and not unique):
                continue
            for number, part in enumerate(database.db.execute('PRAGMA main.index_info("{}")'.format(name.replace('"', '""'))).fetchall(), 1):
                rows.append((here, "dbo", table, 0 if unique else 1, table, name, other_index, number, part[2], "A", count, 1, None))
        yield from (row for row in rows if row[5] is None or like(row[5], index_name))


@procedure("table_name table_owner table_qualifier fusepattern", *place(), ("GRANTOR", "sysname"), ("GRANTEE", "sysname"),
           ("PRIVILEGE", "varchar(32)"), ("IS_GRANTABLE", "varchar(3)"))
def sp_table_privileges(database, table_name=None, table_owner=None, table_qualifier=None, fusepattern=1):
    """The owner's rights, and of the user its own grants; what a role brings stands nowhere here."""
    rights, matches = database.rights, like if fusepattern in (None, 1) else same
    for owner, table, _ in sorted(visible(database), key=lambda row: row[:2]):
        if owner != "dbo" or not matches(table, table_name) or not matches(owner, table_owner):
            continue
        if rights.all:
            yield from ((rights.database, owner, table, owner, owner, word, "YES") for word in sorted(WORDS))
        elif not rights.spec.get("database_roles"):
            granted = [w for w in sorted(WORDS) if w != "REFERENCES" and rights.has_perms(f"[dbo].[{table}]", "OBJECT", w)]
            yield from ((rights.database, owner, table, owner, rights.user, word, "NO") for word in granted)
