#!/usr/bin/env python3
"""The catalogue procedures of the TDS test server: columns, order and codes as Microsoft documents them."""
import struct
import unittest

from client import ServerTest, table_of

SHOP = """CREATE TABLE parent (a int NOT NULL, b smallint NOT NULL, c varchar(9) UNIQUE, PRIMARY KEY (b, a));
CREATE TABLE child (k int NOT NULL PRIMARY KEY, pa int, pb smallint, FOREIGN KEY (pb, pa) REFERENCES parent (b, a) ON DELETE CASCADE);
CREATE VIEW shown AS SELECT k FROM child"""


class Catalogue(ServerTest):
    def setUp(self):
        super().setUp()
        self.control(do="create", database="shop")
        self.control(do="run", database="shop", sql=SHOP)

    def ask(self, procedure, login=None, **parameters):
        client, _ = self.client(**(login or {}))
        return table_of(client.call(procedure, **parameters))

    def test_tables_are_told_with_views_and_the_servers_own(self):
        names, rows = self.ask("sp_tables", table_name="%", table_type="'TABLE','VIEW'")
        self.assertEqual(names, ["TABLE_QUALIFIER", "TABLE_OWNER", "TABLE_NAME", "TABLE_TYPE", "REMARKS"])
        self.assertEqual(rows[:2], [["shop", "dbo", "child", "TABLE", None], ["shop", "dbo", "parent", "TABLE", None]])
        self.assertIn(["shop", "dbo", "shown", "VIEW", None], rows)
        self.assertIn(["shop", "sys", "objects", "VIEW", None], rows)
        self.assertEqual([row[2] for row in self.ask("[shop]..sp_tables", table_name="c_ild", table_owner="dbo")[1]], ["child"])

    def test_a_wildcard_in_the_qualifier_tells_tables_of_other_databases(self):
        self.control(do="create", database="shoq")
        self.control(do="run", database="shoq", sql="CREATE TABLE elsewhere (a int)")
        _, rows = self.ask("sp_tableswc", table_qualifier="sho_", table_owner="dbo", table_type="'TABLE'")
        self.assertEqual([row[:3] for row in rows], [["shop", "dbo", "child"], ["shop", "dbo", "parent"], ["shoq", "dbo", "elsewhere"]])

    def test_columns_have_the_codes_of_odbc_and_new_types_their_names_only(self):
        kinds = ("int", "bigint", "bit", "decimal(12,2)", "money", "float", "varchar(9)", "nvarchar(9)", "varchar(max)", "varbinary(9)", "xml",
                 "date", "time(3)", "datetime2(6)", "datetimeoffset(7)", "datetime", "uniqueidentifier")
        columns = ", ".join(f"c{number} {kind}" for number, kind in enumerate(kinds))
        self.control(do="run", database="shop", sql=f"CREATE TABLE types ({columns})")
        names, rows = self.ask("sp_columns", table_name="types", table_owner="dbo", column_name="%")
        self.assertEqual(names, ["TABLE_QUALIFIER", "TABLE_OWNER", "TABLE_NAME", "COLUMN_NAME", "DATA_TYPE", "TYPE_NAME", "PRECISION", "LENGTH",
                                 "SCALE", "RADIX", "NULLABLE", "REMARKS", "COLUMN_DEF", "SQL_DATA_TYPE", "SQL_DATETIME_SUB", "CHAR_OCTET_LENGTH",
                                 "ORDINAL_POSITION", "IS_NULLABLE", "SS_DATA_TYPE"])
        self.assertEqual([row[4:9] for row in rows], [
            [4, "int", 10, 4, 0], [-5, "bigint", 19, 8, 0], [-7, "bit", 1, 1, None], [3, "decimal", 12, 14, 2], [3, "money", 19, 21, 4],
            [6, "float", 53, 8, None], [12, "varchar", 9, 9, None], [-9, "nvarchar", 9, 18, None], [-1, "text", 2147483647, 2147483647, None],
            [-3, "varbinary", 9, 9, None], [-10, "ntext", 1073741823, 2147483646, None], [-9, "date", 10, 20, None], [-9, "time", 12, 24, None],
            [-9, "datetime2", 26, 52, None], [-9, "datetimeoffset", 34, 68, None], [11, "datetime", 23, 16, 3],
            [-11, "uniqueidentifier", 36, 16, None]])
        self.assertEqual([row[16] for row in rows], list(range(1, len(kinds) + 1)))

    def test_keys_come_in_their_own_order(self):
        self.assertEqual([row[3:5] for row in self.ask("sp_pkeys", table_name="parent")[1]], [["b", 1], ["a", 2]])
        names, rows = self.ask("sp_fkeys", fktable_name="child")
        self.assertEqual(names[:9], ["PKTABLE_QUALIFIER", "PKTABLE_OWNER", "PKTABLE_NAME", "PKCOLUMN_NAME", "FKTABLE_QUALIFIER", "FKTABLE_OWNER",
                                     "FKTABLE_NAME", "FKCOLUMN_NAME", "KEY_SEQ"])
        self.assertEqual([(row[2], row[3], row[6], row[7], row[8], row[10]) for row in rows],
                         [("parent", "b", "child", "pb", 1, 0), ("parent", "a", "child", "pa", 2, 0)])
        names, rows = self.ask("sp_statistics", table_name="parent", is_unique="Y")
        self.assertEqual(names[3:10], ["NON_UNIQUE", "INDEX_QUALIFIER", "INDEX_NAME", "TYPE", "SEQ_IN_INDEX", "COLUMN_NAME", "COLLATION"])
        self.assertEqual([(row[3], row[6], row[8]) for row in rows], [(None, 0, None), (0, 1, "b"), (0, 1, "a"), (0, 3, "c")])

    def test_privileges_are_grants_and_no_roles(self):
        self.control(do="user", name="writer", password="secret", writes=["[dbo].[parent]"])
        self.control(do="user", name="member", password="secret", database_roles=["db_datawriter"])
        granted = lambda user: [(row[2], row[4], row[5]) for row in self.ask("sp_table_privileges", {"user": user}, table_name="parent")[1]]
        self.assertEqual(granted("writer"), [("parent", "writer", word) for word in ("DELETE", "INSERT", "SELECT", "UPDATE")])
        self.assertEqual(granted("member"), [])
        self.assertIn(("parent", "dbo", "REFERENCES"), granted("sa"))

    def test_what_is_asked_wrongly_is_an_error(self):
        client, _ = self.client()
        number = lambda reply: (reply[0], struct.unpack("<i", reply[3:7])[0])
        self.assertEqual(number(client.call("sp_tables", table_qualifier="other")), (0xAA, 15250))
        self.assertEqual(number(client.call("sp_tables", nonsense="x")), (0xAA, 8145))
        self.assertEqual(number(client.call("sp_help", objname="t")), (0xAA, 2812))


if __name__ == "__main__":
    unittest.main()
