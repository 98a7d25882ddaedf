// Discovery of Oracle and SAP HANA as far as it goes without them: the statements stand in tests/golden/odbc
// to be reviewed, and run here, through a real driver, on a PostgreSQL whose tables are called and filled as
// the vendors document their catalogues.
#include <catch2/catch.hpp>

#include "../../support/golden.hpp"
#include "../../support/odbc_driver.hpp"
#include "../../support/rows.hpp"
#include "sources/odbc/parts.hpp"
#include "sources/odbc/vendors.hpp"

using namespace vmc;
using namespace vmc::test;
using data::Kind;
using data::Type;
using sources::odbc::Connection;
using sources::odbc::Transaction;

namespace {

PostgresServer& server() { return PostgresServer::instance(); }

std::unique_ptr<Connection> opened(const std::string& database) {
  auto db = Connection::open(postgres_over_odbc(database), sources::Access::read, std::chrono::seconds{10});
  if (!db) FAIL(db.error().text());
  return std::move(*db);
}

data::Schema discovered(const std::string& database, Result<data::Schema> (*discover)(Connection&)) {
  auto db = opened(database);
  auto transaction = Transaction::begin(*db, std::chrono::seconds{30});
  REQUIRE(transaction);
  auto schema = discover(*db);
  if (!schema) FAIL(schema.error().text());
  return std::move(*schema);
}

void check_statements(const std::string& name, const std::vector<sources::odbc::NamedStatement>& statements,
                  const std::string& documented) {
  std::string actual = "-- " + documented + "\n";
  for (const auto& statement : statements)
    actual += "\n-- " + std::string{statement.name} + "\n" + statement.text + "\n";
  check_golden("odbc/" + name + ".sql", actual);
}

}  // namespace

TEST_CASE("Oracle: the discovery statements are as reviewed") {
  check_statements(
      "oracle_discover", sources::odbc::oracle_statements(),
      "Oracle Database Reference: ALL_TABLES, ALL_VIEWS, ALL_TAB_COLUMNS, ALL_CONSTRAINTS, ALL_CONS_COLUMNS, "
      "ALL_USERS. Not tried on a real server.");
}

TEST_CASE("SAP HANA: the discovery statements are as reviewed") {
  check_statements("hana_discover", sources::odbc::hana_statements(),
               "SAP HANA SQL Reference, system views: TABLES, M_TABLES, VIEWS, TABLE_COLUMNS, VIEW_COLUMNS, "
               "CONSTRAINTS, "
               "REFERENTIAL_CONSTRAINTS. Not tried on a real server.");
}

TEST_CASE("Oracle: rows of its catalogue become a schema") {
  server().create_database("odbc_oracle");
  server().run(R"(
CREATE TABLE all_users (username text, oracle_maintained text);
INSERT INTO all_users VALUES ('public', 'N'), ('SALES', 'N'), ('SYS', 'Y');
CREATE TABLE all_tables (owner text, table_name text, num_rows numeric, nested text, secondary text, dropped text,
  iot_type text);
INSERT INTO all_tables VALUES ('public', 'CUSTOMERS', 120000, 'NO', 'N', 'NO', NULL), ('SALES', 'ORDERS', NULL,
  'NO', 'N', 'NO', 'IOT'),
 ('SALES', 'SYS_IOT_OVER_1', 5, 'NO', 'N', 'NO', 'IOT_OVERFLOW'), ('SALES', 'INNER', 5, 'YES', 'N', 'NO', NULL),
 ('SYS', 'USER$', 5, 'NO', 'N', 'NO', NULL);
CREATE TABLE all_views (owner text, view_name text);
INSERT INTO all_views VALUES ('SALES', 'OPEN_ORDERS');
CREATE TABLE all_tab_columns (owner text, table_name text, column_name text, data_type text, data_length numeric,
 char_length numeric, data_precision numeric, data_scale numeric, nullable text, data_default text, column_id numeric);
INSERT INTO all_tab_columns VALUES
 ('public', 'CUSTOMERS', 'ID', 'NUMBER', 22, 0, 10, 0, 'N', NULL, 1),
 ('public', 'CUSTOMERS', 'NAME', 'VARCHAR2', 80, 20, NULL, NULL, 'Y', E'''nobody'' \n', 2),
 ('public', 'CUSTOMERS', 'CREDIT', 'NUMBER', 22, 0, 12, 2, 'Y', NULL, 3),
 ('public', 'CUSTOMERS', 'FACTOR', 'NUMBER', 22, 0, NULL, NULL, 'Y', NULL, 4),
 ('public', 'CUSTOMERS', 'WHOLE', 'NUMBER', 22, 0, NULL, 0, 'Y', NULL, 5),
 ('public', 'CUSTOMERS', 'SINCE', 'DATE', 7, 0, NULL, NULL, 'Y', NULL, 6),
 ('public', 'CUSTOMERS', 'SHAPE', 'SDO_GEOMETRY', 1, 0, NULL, NULL, 'Y', NULL, 7),
 ('SALES', 'ORDERS', 'CUSTOMER', 'NUMBER', 22, 0, 10, 0, 'N', NULL, 1),
 ('SALES', 'ORDERS', 'LINE', 'NUMBER', 22, 0, 5, 0, 'N', NULL, 2),
 ('SALES', 'ORDERS', 'AT', 'TIMESTAMP(6) WITH TIME ZONE', 13, 0, NULL, 6, 'Y', NULL, 3),
 ('SALES', 'ORDERS', 'MARK', 'RAW', 16, 0, NULL, NULL, 'Y', NULL, 4),
 ('SALES', 'OPEN_ORDERS', 'LINE', 'NUMBER', 22, 0, 5, 0, 'N', NULL, 1),
 ('SYS', 'USER$', 'PASSWORD', 'VARCHAR2', 80, 20, NULL, NULL, 'Y', NULL, 1);
CREATE TABLE all_constraints (owner text, table_name text, constraint_name text, constraint_type text, status text,
 validated text, r_owner text, r_constraint_name text);
INSERT INTO all_constraints VALUES ('public', 'CUSTOMERS', 'CUSTOMERS_PK', 'P', 'ENABLED', 'VALIDATED', NULL, NULL),
 ('public', 'CUSTOMERS', 'CUSTOMERS_U', 'U', 'ENABLED', 'VALIDATED', NULL, NULL),
 ('public', 'CUSTOMERS', 'CUSTOMERS_OFF', 'U', 'DISABLED', 'NOT VALIDATED', NULL, NULL),
 ('SALES', 'ORDERS', 'ORDERS_PK', 'P', 'ENABLED', 'VALIDATED', NULL, NULL),
 ('SALES', 'ORDERS', 'ORDERS_FK', 'R', 'ENABLED', 'VALIDATED', 'public', 'CUSTOMERS_PK');
CREATE TABLE all_cons_columns (owner text, constraint_name text, table_name text, column_name text, "position" numeric);
INSERT INTO all_cons_columns VALUES ('public', 'CUSTOMERS_PK', 'CUSTOMERS', 'ID', 1),
 ('public', 'CUSTOMERS_U', 'CUSTOMERS', 'NAME', 1), ('public', 'CUSTOMERS_OFF', 'CUSTOMERS', 'CREDIT', 1),
 ('SALES', 'ORDERS_PK', 'ORDERS', 'LINE', 2), ('SALES', 'ORDERS_PK', 'ORDERS', 'CUSTOMER', 1),
 ('SALES', 'ORDERS_FK', 'ORDERS', 'CUSTOMER', 1);
)",
               "odbc_oracle");
  const auto schema = discovered("odbc_oracle", sources::odbc::discover_oracle);
  REQUIRE(schema.tables.size() == 3);
  const auto* customers = schema.table("CUSTOMERS");  // of the current schema
  REQUIRE(customers);
  CHECK(customers->row_estimate == 120'000);
  CHECK(customers->primary_key == std::vector<std::string>{"ID"});
  CHECK(customers->unique_keys == std::vector<std::vector<std::string>>{{"NAME"}});
  CHECK(customers->column("ID")->type == Type{Kind::int64});
  CHECK_FALSE(customers->column("ID")->nullable);
  CHECK(customers->column("NAME")->sql_type == "VARCHAR2(20)");
  CHECK(customers->column("NAME")->default_value == "'nobody'");
  CHECK(customers->column("CREDIT")->type == Type{Kind::decimal, 12, 2});
  CHECK(customers->column("CREDIT")->sql_type == "NUMBER(12,2)");
  CHECK(customers->column("FACTOR")->type == Type{Kind::number});
  CHECK(customers->column("WHOLE")->type == Type{Kind::decimal, 38, 0});
  CHECK(customers->column("SINCE")->type == Type{Kind::timestamp});
  CHECK_FALSE(customers->column("SHAPE"));
  const auto* orders = schema.table("SALES.ORDERS");
  REQUIRE(orders);
  CHECK(orders->primary_key == std::vector<std::string>{"CUSTOMER", "LINE"});
  CHECK(orders->foreign_keys == std::vector<data::ForeignKey>{{{"CUSTOMER"}, "CUSTOMERS", {"ID"}}});
  CHECK(orders->column("AT")->type == Type{Kind::timestamptz});
  CHECK(orders->column("MARK")->sql_type == "RAW(16)");
  REQUIRE(schema.table("SALES.OPEN_ORDERS"));
  CHECK(schema.table("SALES.OPEN_ORDERS")->view);
  CHECK(schema.table("SALES.OPEN_ORDERS")->reads.contains("*"));
}

TEST_CASE("SAP HANA: rows of its catalogue become a schema") {
  server().create_database("odbc_hana");
  server().run(R"(
CREATE SCHEMA sys;
CREATE TABLE sys.tables (schema_name text, table_name text, is_user_defined_type text);
INSERT INTO sys.tables VALUES ('public', 'CUSTOMERS', 'FALSE'), ('SALES', 'ORDERS', 'FALSE'), ('SALES', 'T_LINES',
  'TRUE'),
 ('_SYS_STATISTICS', 'HOST', 'FALSE'), ('SYS', 'P_USERS_', 'FALSE');
CREATE TABLE sys.m_tables (schema_name text, table_name text, record_count bigint);
INSERT INTO sys.m_tables VALUES ('public', 'CUSTOMERS', 77);
CREATE TABLE sys.views (schema_name text, view_name text);
INSERT INTO sys.views VALUES ('_SYS_BIC', 'sales.model/CV_ORDERS'), ('SYS', 'USERS');
CREATE TABLE sys.table_columns (schema_name text, table_name text, column_name text, "position" integer,
  data_type_name text,
 length integer, scale integer, is_nullable text, default_value text);
INSERT INTO sys.table_columns VALUES
 ('public', 'CUSTOMERS', 'NAME', 2, 'NVARCHAR', 20, NULL, 'TRUE', 'nobody'), ('public', 'CUSTOMERS', 'ID', 1,
  'INTEGER', 10, 0, 'FALSE', NULL),
 ('public', 'CUSTOMERS', 'CREDIT', 3, 'DECIMAL', 12, 2, 'TRUE', NULL), ('public', 'CUSTOMERS', 'FACTOR', 4,
  'DECIMAL', 34, NULL, 'TRUE', NULL),
 ('public', 'CUSTOMERS', 'SMALL', 5, 'SMALLDECIMAL', 16, NULL, 'TRUE', NULL), ('public', 'CUSTOMERS', 'AT', 6,
  'SECONDDATE', 19, 0, 'TRUE', NULL),
 ('public', 'CUSTOMERS', 'PLACE', 7, 'ST_POINT', 0, NULL, 'TRUE', NULL),
 ('SALES', 'ORDERS', 'CUSTOMER', 1, 'INTEGER', 10, 0, 'FALSE', NULL), ('SALES', 'ORDERS', 'LINE', 2, 'INTEGER', 10,
  0, 'FALSE', NULL);
CREATE TABLE sys.view_columns (schema_name text, view_name text, column_name text, "position" integer,
  data_type_name text,
 length integer, scale integer, is_nullable text, default_value text);
INSERT INTO sys.view_columns VALUES ('_SYS_BIC', 'sales.model/CV_ORDERS', 'LINE', 1, 'BIGINT', 19, 0, 'TRUE', NULL);
CREATE TABLE sys.constraints (schema_name text, table_name text, column_name text, "position" integer,
  constraint_name text,
 is_primary_key text, is_unique_key text);
INSERT INTO sys.constraints VALUES ('public', 'CUSTOMERS', 'ID', 1, '_SYS_TREE_1', 'TRUE', 'FALSE'),
 ('public', 'CUSTOMERS', 'NAME', 1, 'U', 'FALSE', 'TRUE'), ('SALES', 'ORDERS', 'LINE', 2, '_SYS_TREE_2', 'TRUE',
  'FALSE'),
 ('SALES', 'ORDERS', 'CUSTOMER', 1, '_SYS_TREE_2', 'TRUE', 'FALSE');
CREATE TABLE sys.referential_constraints (schema_name text, table_name text, column_name text, "position" integer,
 constraint_name text, referenced_schema_name text, referenced_table_name text, referenced_column_name text);
INSERT INTO sys.referential_constraints VALUES ('SALES', 'ORDERS', 'CUSTOMER', 1, 'FK', 'public', 'CUSTOMERS', 'ID');
)",
               "odbc_hana");
  const auto schema = discovered("odbc_hana", sources::odbc::discover_hana);
  REQUIRE(schema.tables.size() == 3);
  const auto* customers = schema.table("CUSTOMERS");
  REQUIRE(customers);
  CHECK(customers->row_estimate == 77);
  CHECK(customers->columns.size() == 6);
  CHECK(customers->columns[0].name == "ID");
  CHECK(customers->primary_key == std::vector<std::string>{"ID"});
  CHECK(customers->unique_keys == std::vector<std::vector<std::string>>{{"NAME"}});
  CHECK(customers->column("NAME")->sql_type == "NVARCHAR(20)");
  CHECK(customers->column("CREDIT")->type == Type{Kind::decimal, 12, 2});
  CHECK(customers->column("FACTOR")->type == Type{Kind::number});
  CHECK(customers->column("SMALL")->type == Type{Kind::number});
  CHECK(customers->column("AT")->type == Type{Kind::timestamp});
  const auto* orders = schema.table("SALES.ORDERS");
  REQUIRE(orders);
  CHECK(orders->primary_key == std::vector<std::string>{"CUSTOMER", "LINE"});
  CHECK(orders->foreign_keys == std::vector<data::ForeignKey>{{{"CUSTOMER"}, "CUSTOMERS", {"ID"}}});
  REQUIRE(schema.table("_SYS_BIC.sales.model/CV_ORDERS"));
  CHECK(schema.table("_SYS_BIC.sales.model/CV_ORDERS")->view);
}
