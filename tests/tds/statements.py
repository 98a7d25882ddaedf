"""The T-SQL this server knows: a table of statement shapes, each with what it does on SQLite.

Anything else is error 40000, so that a test notices what the driver has begun to send.
"""
import re

from sqltypes import SqlError, Type

NAME = r"\[(?:[^\]]|\]\])+\]"
TABLE = rf"(?:{NAME}\.{NAME}|dbo\.\w+|#\w+)"
HINT = re.compile(r"\s+WITH\s*\((?:\s*(?:UPDLOCK|HOLDLOCK|TABLOCK|TABLOCKX|READPAST)\s*,?)+\)", re.I)
VALUES = re.compile(rf"\(VALUES (.*?)\) AS k \(((?:{NAME}(?:, )?)+)\)", re.S)
COLLATE = re.compile(r"\s+COLLATE\s+(?!tds_|DATABASE_DEFAULT|CATALOG_DEFAULT)\w+", re.I)


def unbracket(name):
    return name[1:-1].replace("]]", "]")


def table_of(name):
    """[dbo].[t], dbo.t or #t as SQLite's schema and name."""
    if name.startswith("#"):
        return "temp", name
    parts = name.split(".") if "[" not in name else [unbracket(p) for p in re.findall(NAME, name)]
    if parts[0].lower() != "dbo":
        raise SqlError(208, f"Invalid object name '{'.'.join(parts)}'.")
    return "main", parts[1]


def quoted(name):
    return "`" + name.replace("`", "``") + "`"  # in double quotes SQLite takes an unknown name for a text


def sqlite_table(name):
    schema, table = table_of(name)
    return f"{schema}.{quoted(table)}"


TOKEN = re.compile(rf"""(?P<string>N?'(?:[^']|'')*')|(?P<quoted>"(?:[^"]|"")*")|(?P<name>{NAME})|(?P<temp>\#\w+)|(?P<parameter>@\w+)
                        |(?P<variable>@@\w+)|(?P<hex>0x[0-9A-Fa-f]*)|(?P<word>[A-Za-z_]\w*)|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
                        |(?P<space>\s+)|(?P<comment>--[^\n]*|/\*.*?\*/)|(?P<sign>.)""", re.X | re.S)


def tokens_of(text):
    found = [(m.lastgroup, m[0]) for m in TOKEN.finditer(text) if m.lastgroup != "comment"]
    return [("name", bracketed(word)) if kind == "quoted" else (kind, word) for kind, word in found]


def bracketed(name):
    """"a""b" as [a"b]: under QUOTED_IDENTIFIER, which every client here sets, both are names."""
    return "[" + name[1:-1].replace('""', '"').replace("]", "]]") + "]"


def with_brackets(text):
    return joined(tokens_of(text)) if '"' in text else text


def matching(tokens, at):
    """The place of the parenthesis that closes the one at `at`."""
    depth = 0
    for place in range(at, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[place][1], 0)
        if depth == 0:
            return place
    raise SqlError(102, "Incorrect syntax near '('.")


def joined(tokens):
    return "".join(text for _, text in tokens)


def translate(text):
    """A SELECT of ours, or an honest one, in SQLite's words."""
    text = COLLATE.sub("", HINT.sub("", text))
    return joined(translated(tokens_of(VALUES.sub(named_values, text))))


def named_values(m):
    """SQLite calls the columns of VALUES column1, column2 … and takes no list of names behind an alias."""
    names = re.findall(NAME, m[2])
    columns = ", ".join(f"column{i} AS {name}" for i, name in enumerate(names, 1))
    return f"(SELECT {columns} FROM (VALUES {m[1]})) AS k"


def translated(tokens):
    out, limit, place = [], None, 0
    while place < len(tokens):
        kind, text = tokens[place]
        upper = text.upper()
        if kind == "string":
            out.append((kind, text.lstrip("N")))
        elif kind == "name":
            after = joined(tokens[place + 1:place + 3])
            if unbracket(text).lower() == "dbo" and re.match(rf"\.{NAME}", after):
                out.append((kind, "main"))
            else:
                out.append((kind, quoted(unbracket(text))))
        elif kind == "temp":
            out.append((kind, f"temp.{quoted(text)}"))
        elif kind == "parameter":
            out.append((kind, ":" + text[1:]))
        elif kind == "hex":
            out.append((kind, f"x'{text[2:]}'"))
        elif kind == "word" and upper == "SYS" and place + 2 < len(tokens) and tokens[place + 1][1] == ".":
            out.append((kind, f'temp."sys.{tokens[place + 2][1].lower()}"'))
            place += 2
        elif kind == "word" and upper == "DBO" and place + 1 < len(tokens) and tokens[place + 1][1] == ".":
            out.append((kind, "main"))
        elif kind == "word" and upper == "COUNT_BIG":
            out.append((kind, "count"))
        elif kind == "word" and upper in ("CAST", "CONVERT") and tokens[place + 1][1] == "(":
            end = matching(tokens, place + 1)
            out += converted(upper, tokens[place + 2:end])
            place = end
        elif kind == "word" and upper == "DATEADD" and tokens[place + 1][1] == "(":
            end = matching(tokens, place + 1)
            unit, *others = tokens[place + 2:end]
            out += [(kind, f"dateadd('{unit[1].lower()}'")] + translated(others) + [("sign", ")")]
            place = end
        elif kind == "word" and upper == "TOP":
            start = next(i for i in range(place + 1, len(tokens)) if tokens[i][0] != "space")
            end = matching(tokens, start) if tokens[start][1] == "(" else start
            limit = translated(tokens[start:end + 1])
            place = end
        elif text == "(":
            end = matching(tokens, place)
            out += [("sign", "(")] + translated(tokens[place + 1:end]) + [("sign", ")")]
            place = end
        else:
            out.append((kind, text))
        place += 1
    return out + ([("sign", " LIMIT ")] + limit if limit else [])


def converted(word, inside):
    if word == "CONVERT":
        comma = next(i for i, (_, t) in enumerate(inside) if t == "," and depth_at(inside, i) == 0)
        kind, value = joined(inside[:comma]), inside[comma + 1:]
        style = [i for i, (_, t) in enumerate(value) if t == "," and depth_at(value, i) == 0]
        value = value[:style[0]] if style else value
    else:
        place = max(i for i, (k, t) in enumerate(inside) if t.upper() == "AS" and depth_at(inside, i) == 0)
        kind, value = joined(inside[place + 1:]), inside[:place]
    return [("word", f"tds_cast('{Type.parse(kind)}', ")] + translated(value) + [("sign", ")")]


def depth_at(tokens, at):
    return sum({"(": 1, ")": -1}.get(t, 0) for _, t in tokens[:at])


def parts(tokens):
    """What stands between the commas outside all parentheses."""
    out, one = [], []
    for i, token in enumerate(tokens):
        if token[1] == "," and depth_at(tokens, i) == 0:
            out.append(joined(one))
            one = []
        else:
            one.append(token)
    return out + [joined(one)]


def output_types(text):
    """Types of the outputs that are CASTs at the top of a SELECT, by place; None where they are not."""
    tokens = tokens_of(text)
    words = [(i, t.upper()) for i, (k, t) in enumerate(tokens) if k == "word" and depth_at(tokens, i) == 0]
    start = next((i for i, w in words if w == "SELECT"), None)
    if start is None:
        return []
    stop = next((i for i, w in words if w == "FROM" and i > start), len(tokens))
    out = []
    for item in parts(tokens[start + 1:stop]):
        m = re.fullmatch(rf"\s*(?:TOP\s*\([^()]*\)\s*)?CAST\(.* AS ([\w ,()]+)\)(?:\s+AS\s+(?:{NAME}|\w+))?\s*", item, re.S | re.I)
        m = m or re.fullmatch(r"\s*(?:TOP\s*\([^()]*\)\s*)?CONVERT\(([\w]+(?:\([\w, ]+\))?),.*\)(?:\s+AS\s+\w+)?\s*", item, re.S | re.I)
        counted = re.fullmatch(r"\s*COUNT_BIG\(\*\).*", item, re.S | re.I)
        out.append(Type.parse("bigint") if counted else Type.parse(m[1]) if m else None)
    return out


# ---- shapes --------------------------------------------------------------------------------------------------------------
def shape(pattern):
    def add(function):
        SHAPES.append((re.compile(pattern, re.S | re.I), function))
        return function
    return add


SHAPES = []
OPTIONS = ("QUOTED_IDENTIFIER|ANSI_NULLS|ANSI_PADDING|ANSI_WARNINGS|ANSI_NULL_DFLT_ON|ARITHABORT|CONCAT_NULL_YIELDS_NULL|NUMERIC_ROUNDABORT|"
           "IMPLICIT_TRANSACTIONS|CURSOR_CLOSE_ON_COMMIT|XACT_ABORT|NOCOUNT|NOEXEC|PARSEONLY|FMTONLY|SHOWPLAN_XML")
ONE_SET = rf"SET (?:(?:{OPTIONS}) (?:ON|OFF)|ROWCOUNT \d+|TEXTSIZE -?\d+|DATEFORMAT \w+|LANGUAGE \w+|DATEFIRST \d|LOCK_TIMEOUT -?\d+|DEADLOCK_PRIORITY \w+|" \
          r"TRANSACTION ISOLATION LEVEL (?:READ COMMITTED|SNAPSHOT|REPEATABLE READ|SERIALIZABLE|READ UNCOMMITTED))"


@shape(rf"(?:{ONE_SET}\s*;?\s*)+")
def set_options(session, m):
    for one in re.findall(ONE_SET, m[0], re.I):
        _, name, *value = one.split()
        session.options[name.upper()] = " ".join(value).upper()


@shape(r"BEGIN TRAN(?:SACTION)?")
def begin(session, m):
    session.begin()


@shape(r"COMMIT TRAN(?:SACTION)?")
def commit(session, m):
    if not session.in_transaction:
        raise SqlError(3902, "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.")
    session.end("COMMIT")


@shape(r"IF @@TRANCOUNT > 0 ROLLBACK TRAN(?:SACTION)?")
def rollback(session, m):
    if session.in_transaction:
        session.end("ROLLBACK")


@shape(r"SELECT @@TRANCOUNT(?: AS \w+)?, @@OPTIONS(?: AS \w+)?")
def state(session, m):
    on = lambda name: session.options.get(name) == "ON"  # noqa: E731
    bits = {"IMPLICIT_TRANSACTIONS": 2, "ANSI_WARNINGS": 8, "ANSI_PADDING": 16, "ANSI_NULLS": 32, "ARITHABORT": 64, "QUOTED_IDENTIFIER": 256,
            "NOCOUNT": 512, "CONCAT_NULL_YIELDS_NULL": 4096, "NUMERIC_ROUNDABORT": 8192, "XACT_ABORT": 16384}
    session.rows([("", Type.parse("int")), ("", Type.parse("int"))],
                 [(1 if session.in_transaction else 0, sum(bit for name, bit in bits.items() if on(name)))])


@shape(r"(SELECT [^;]*); (SELECT [^;]*|COMMIT TRANSACTION)")
@shape(r"(SELECT \d+ AS \w+) (CREATE TABLE .*)")
def smuggled(session, m):
    """What a hole in the guard would let through: two statements in one."""
    session.has_more = True
    session.execute(m[1])
    session.has_more = False
    session.execute(m[2])
    session.has_rows = True  # each has answered for itself


@shape(rf"SET FMTONLY ON select \* from ({TABLE}) SET FMTONLY OFF")
def describe_table(session, m):
    session.rows(session.table_columns(m[1]), [])


@shape(rf"insert bulk ({TABLE}) \((.*)\)(?: with \(TABLOCK\))?")
def insert_bulk(session, m):
    names = [unbracket(n) for n in re.findall(rf"({NAME}) \w+", m[2])]
    session.bulk = (m[1], names)


CREATE = rf"CREATE TABLE ({TABLE}) \((.*)\)"


@shape(CREATE)
def create_table(session, m):
    from database import stored_types
    if not m[1].startswith("#"):
        session.need("CREATE TABLE")
    body = COLLATE.sub("", m[2])
    body = joined([("", quoted(unbracket(t))) if k == "name" else (k, t) for k, t in tokens_of(body)])
    session.database.execute(f"CREATE TABLE {sqlite_table(m[1])} ({stored_types(body)})")


@shape(rf"IF OBJECT_ID\(N'((?:[^']|'')*)', N'U'\) IS NULL (CREATE TABLE .*)")
def create_if_missing(session, m):
    if session.database.object_id(m[1].replace("''", "'")) is None:
        create_table(session, re.fullmatch(CREATE, m[2], re.S | re.I))


DROP = rf"DROP TABLE ({TABLE})"


@shape(DROP)
def drop_table(session, m):
    session.database.execute(f"DROP TABLE {sqlite_table(m[1])}")


@shape(rf"IF OBJECT_ID\(N'((?:[^']|'')*)', N'U'\) IS NOT NULL ({DROP})")
def drop_if_there(session, m):
    if session.database.object_id(m[1].replace("''", "'")) is not None:
        drop_table(session, re.fullmatch(DROP, m[2], re.S | re.I))


@shape(rf"SELECT TOP \(0\) ((?:{NAME}(?:, )?)+) INTO ({TABLE}) FROM ({TABLE})")
def create_alike(session, m):
    """Names, types and which columns are required; neither keys nor defaults."""
    from database import stored_types
    session.need("CREATE TABLE")
    kept = {name: (kind, required) for name, kind, required, *_ in session.database.columns(table_of(m[3])[1])}
    columns = [(quoted(name), *kept[name]) for name in map(unbracket, re.findall(NAME, m[1]))]
    body = ", ".join(f"{name} {kind or 'nvarchar(4000)'}{' NOT NULL' if required else ''}" for name, kind, required in columns)
    session.database.execute(f"CREATE TABLE {sqlite_table(m[2])} ({stored_types(body)})")


@shape(rf"SELECT (\d+ AS \w+) INTO ({TABLE})")
def select_into(session, m):
    session.need("CREATE TABLE")
    session.database.execute(f"CREATE TABLE {sqlite_table(m[2])} AS SELECT {m[1]}")


@shape(r"sp_who")
def who(session, m):
    kinds = {"spid": "smallint", "ecid": "smallint", "status": "nchar(30)", "loginame": "nvarchar(128)", "hostname": "nchar(128)",
             "blk": "char(5)", "dbname": "nvarchar(128)", "cmd": "nchar(26)", "request_id": "int"}
    rights = session.database.rights
    session.rows([(name, Type.parse(kind)) for name, kind in kinds.items()],
                 [(51, 0, "runnable", rights.user, "", "0", rights.database, "SELECT", 0)])


def turned_off(what, component):
    return SqlError(15281, f"SQL Server blocked access to {what} of component '{component}' because this component is turned off as part of the"
                           " security configuration for this server.")


@shape(r"SELECT \* FROM OPENROWSET\(.*\) AS \w+")
def another_server(session, m):
    raise turned_off("STATEMENT 'OpenRowset/OpenDatasource'", "Ad Hoc Distributed Queries")


@shape(r"EXEC xp_cmdshell '[^']*'")
def system_command(session, m):
    if not session.database.rights.all:
        raise SqlError(229, "The EXECUTE permission was denied on the object 'xp_cmdshell', database 'mssqlsystemresource', schema 'sys'.", 14)
    raise turned_off("procedure 'sys.xp_cmdshell'", "xp_cmdshell")


@shape(r"WAITFOR DELAY '00:00:00'")
def wait_for_nothing(session, m):
    pass


@shape(rf"CREATE INDEX {NAME} ON ({TABLE}) \((?:{NAME}(?:, )?)+\)")
def create_index(session, m):
    session.need("CREATE TABLE")


@shape(rf"DELETE FROM ({TABLE}) WITH \(TABLOCKX, HOLDLOCK\)")
def delete_all(session, m):
    session.need_write(m[1])
    session.database.execute(f"DELETE FROM {sqlite_table(m[1])}")


@shape(rf"INSERT INTO ({TABLE}) \(((?:{NAME}(?:, )?)+)\) SELECT ((?:{NAME}(?:, )?)+) FROM ({TABLE})")
def insert_all(session, m):
    session.need_write(m[1])
    session.database.execute(f"INSERT INTO {sqlite_table(m[1])} ({translate(m[2])}) SELECT {translate(m[3])} FROM {sqlite_table(m[4])}")


@shape(rf"SET IDENTITY_INSERT ({TABLE}) (ON|OFF)")
def identity_insert(session, m):
    session.identity = m[1] if m[2].upper() == "ON" else None


@shape(rf"UPDATE (#\w+) SET ({NAME}) = (N''|0x) WHERE ({NAME}) & (\d+) <> 0")
def restore_empties(session, m):
    session.database.execute(f"UPDATE {sqlite_table(m[1])} SET {translate(m[2])} = {translate(m[3])} WHERE {translate(m[4])} & {m[5]} <> 0")


@shape(r"WITH d AS \(SELECT ROW_NUMBER\(\) OVER \(PARTITION BY (.*?) ORDER BY \[vmc row\] DESC\) AS n FROM (#\w+)\) DELETE FROM d WHERE n > 1")
def keep_last(session, m):
    table = sqlite_table(m[2])
    session.database.execute(f"DELETE FROM {table} WHERE rowid IN (SELECT r FROM (SELECT rowid AS r, row_number() OVER (PARTITION BY"
                             f" {translate(m[1])} ORDER BY `vmc row` DESC) AS n FROM {table}) WHERE n > 1)")


@shape(rf"UPDATE t SET (.*?) FROM ({TABLE}) AS t(?: WITH \([A-Z, ]+\))? INNER JOIN (#\w+) AS s ON (.*)")
def update_from_stage(session, m):
    session.need_write(m[2])
    kinds = dict((n, k) for n, k in session.table_columns(m[2]))
    sets = re.sub(rf"({NAME}) = s\.({NAME})", lambda a: f"{quoted(unbracket(a[1]))} = tds_assign('{kinds[unbracket(a[1])]}', s.{quoted(unbracket(a[2]))})", m[1])
    session.database.execute(f"UPDATE {sqlite_table(m[2])} AS t SET {sets} FROM {sqlite_table(m[3])} AS s WHERE {translate(m[4])}")


@shape(rf"INSERT INTO ({TABLE})(?: WITH \([A-Z, ]+\))? \((.*?)\) SELECT (.*?) FROM (#\w+) AS s(?: WHERE (NOT EXISTS .*))?(?: ORDER BY (.*))?")
def insert_from_stage(session, m):
    session.need_write(m[1])
    kinds = dict((n, k) for n, k in session.table_columns(m[1]))
    names = [unbracket(n) for n in re.findall(NAME, m[2])]
    values = ", ".join(f"tds_assign('{kinds[n]}', s.{quoted(n)})" for n in names)
    where = f" WHERE {translate(m[5])}" if m[5] else ""
    session.database.execute(f"INSERT INTO {sqlite_table(m[1])} ({', '.join(map(quoted, names))}) SELECT {values} FROM {sqlite_table(m[4])} AS s{where}")


@shape(r"INSERT INTO (\[dbo\]\.\[vmc_applied\]) \((.*)\) VALUES \((.*)\)")
def insert_applied(session, m):
    session.database.execute(f"INSERT INTO {sqlite_table(m[1])} ({m[2].replace('[', '').replace(']', '')}) VALUES ({translate(m[3])})", session.parameters)


@shape(r"UPDATE (\[dbo\]\.\[vmc_applied\]) SET (.*) WHERE (.*)")
def update_applied(session, m):
    session.database.execute(f"UPDATE {sqlite_table(m[1])} SET {translate(m[2])} WHERE {translate(m[3])}", session.parameters)


@shape(rf"INSERT INTO ({TABLE}) \(((?:{NAME}(?:, )?)+)\) VALUES (\(.*\))")
def insert_values(session, m):
    session.need_write(m[1])
    kinds = dict((n, k) for n, k in session.table_columns(m[1]))
    names = [unbracket(n) for n in re.findall(NAME, m[2])]
    rows = []
    for row in parts(tokens_of(m[3])):
        values = parts(tokens_of(row.strip()[1:-1]))
        rows.append("(" + ", ".join(f"tds_assign('{kinds[n]}', {translate(v)})" for n, v in zip(names, values, strict=True)) + ")")
    session.database.execute(f"INSERT INTO {sqlite_table(m[1])} ({', '.join(map(quoted, names))}) VALUES {', '.join(rows)}", session.parameters)


@shape(rf"UPDATE ({TABLE}) SET (.*) WHERE (.*)")
def update_by_key(session, m):
    session.need_write(m[1])
    kinds = dict((n, k) for n, k in session.table_columns(m[1]))
    sets = []
    for one in parts(tokens_of(m[2])):
        name, value = re.fullmatch(rf"\s*({NAME}) = (.*)", one, re.S).groups()
        sets.append(f"{quoted(unbracket(name))} = tds_assign('{kinds[unbracket(name)]}', {translate(value)})")
    session.database.execute(f"UPDATE {sqlite_table(m[1])} SET {', '.join(sets)} WHERE {translate(m[3])}", session.parameters)


@shape(r"\s*(?:WITH|SELECT)\b.*")
def select(session, m):
    text = m[0]
    if re.search(r"\bsys\.", text, re.I):
        session.database.refresh_catalogue()
    session.select(translate(text), output_types(text))
