"""Transaction manager requests (MS-TDS 2.2.6.9): what clients in ODBC's manual-commit mode send instead of BEGIN TRANSACTION."""
from sqltypes import SqlError

BEGIN, COMMIT, ROLLBACK = 5, 7, 8
AND_BEGIN = 0x01  # fBeginXact: the next transaction follows at once
LEVELS = {1: "READ UNCOMMITTED", 2: "READ COMMITTED", 3: "REPEATABLE READ", 4: "SERIALIZABLE", 5: "SNAPSHOT"}  # 0: as it is


def manage(session, reader):
    reader.all_headers()
    request = reader.u16()
    if request == BEGIN:
        begin(session, reader)
    elif request in (COMMIT, ROLLBACK):
        reader.b_varchar()  # a name, which is of no use without savepoints
        again = reader.u8() & AND_BEGIN
        finish(session, "COMMIT" if request == COMMIT else "ROLLBACK")
        if again:
            begin(session, reader)
    else:
        raise SqlError(40000, f"The test server does not know transaction manager request {request}.")
    session.done()


def begin(session, reader):
    level, _name = reader.u8(), reader.b_varchar()
    if level in LEVELS:
        session.options["TRANSACTION"] = "ISOLATION LEVEL " + LEVELS[level]
    session.begin()


def finish(session, how):
    if not session.in_transaction:
        number = 3902 if how == "COMMIT" else 3903
        raise SqlError(number, f"The {how} TRANSACTION request has no corresponding BEGIN TRANSACTION.")
    session.end(how)
