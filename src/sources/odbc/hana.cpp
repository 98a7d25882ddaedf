#include <fmt/format.h>

#include "sources/odbc/parts.hpp"
#include "sources/odbc/schema_builder.hpp"
#include "sources/odbc/vendors.hpp"

namespace vmc::sources::odbc {
namespace {

using data::Kind;
using data::Type;

// Of HANA's own schemas only _SYS_BIC holds what people read: calculation views.
#define VMC_OWN_SCHEMAS(alias)                                                                              \
  "(" alias ".SCHEMA_NAME = '_SYS_BIC' OR " alias ".SCHEMA_NAME NOT LIKE '!_SYS!_%' ESCAPE '!') AND " alias \
  ".SCHEMA_NAME NOT IN ('SYS', 'SYS_DATABASES')"

constexpr const char* kTables =
    "SELECT t.SCHEMA_NAME, t.TABLE_NAME, m.RECORD_COUNT"
    " FROM SYS.TABLES t LEFT JOIN SYS.M_TABLES m ON m.SCHEMA_NAME = t.SCHEMA_NAME AND m.TABLE_NAME = "
    "t.TABLE_NAME"
    " WHERE t.IS_USER_DEFINED_TYPE = 'FALSE' AND " VMC_OWN_SCHEMAS("t");

constexpr const char* kViews =
    "SELECT v.SCHEMA_NAME, v.VIEW_NAME FROM SYS.VIEWS v WHERE " VMC_OWN_SCHEMAS("v");

constexpr const char* kColumns =
    "SELECT c.SCHEMA_NAME, c.TABLE_NAME, c.COLUMN_NAME, c.DATA_TYPE_NAME, c.LENGTH, c.SCALE, c.IS_NULLABLE,"
    " c.DEFAULT_VALUE"
    " FROM SYS.TABLE_COLUMNS c WHERE " VMC_OWN_SCHEMAS(
        "c") " ORDER BY c.SCHEMA_NAME, c.TABLE_NAME, c.POSITION";

constexpr const char* kViewColumns =
    "SELECT c.SCHEMA_NAME, c.VIEW_NAME, c.COLUMN_NAME, c.DATA_TYPE_NAME, c.LENGTH, c.SCALE, c.IS_NULLABLE,"
    " c.DEFAULT_VALUE"
    " FROM SYS.VIEW_COLUMNS c WHERE " VMC_OWN_SCHEMAS("c") " ORDER BY c.SCHEMA_NAME, c.VIEW_NAME, c.POSITION";

constexpr const char* kKeys =
    "SELECT c.SCHEMA_NAME, c.TABLE_NAME, c.CONSTRAINT_NAME, c.IS_PRIMARY_KEY, c.POSITION, c.COLUMN_NAME"
    " FROM SYS.CONSTRAINTS c WHERE (c.IS_PRIMARY_KEY = 'TRUE' OR c.IS_UNIQUE_KEY = 'TRUE') "
    "AND " VMC_OWN_SCHEMAS("c");

constexpr const char* kReferences =
    "SELECT c.SCHEMA_NAME, c.TABLE_NAME, c.CONSTRAINT_NAME, c.POSITION, c.COLUMN_NAME, "
    "c.REFERENCED_SCHEMA_NAME,"
    " c.REFERENCED_TABLE_NAME, c.REFERENCED_COLUMN_NAME"
    " FROM SYS.REFERENTIAL_CONSTRAINTS c WHERE " VMC_OWN_SCHEMAS("c");

#undef VMC_OWN_SCHEMAS

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  for (auto one : names)
    if (name == one) return true;
  return false;
}

std::string declared(const VendorType& type) {
  if (type.name == "DECIMAL" && type.scale) return fmt::format("DECIMAL({},{})", type.length, *type.scale);
  if (is_one_of(type.name,
                {"VARCHAR", "NVARCHAR", "ALPHANUM", "SHORTTEXT", "CHAR", "NCHAR", "VARBINARY", "BINARY"}))
    return fmt::format("{}({})", type.name, type.length);
  return type.name;
}

}  // namespace

std::optional<Type> hana_type(const VendorType& type) {
  const std::string_view name = type.name;
  if (is_one_of(name, {"TINYINT", "SMALLINT", "INTEGER", "BIGINT"})) return Type{Kind::int64};
  // Without a scale both have a floating point of base ten.
  if (name == "SMALLDECIMAL" || (name == "DECIMAL" && !type.scale)) return Type{Kind::number};
  if (name == "DECIMAL") return exact_number(type.length, static_cast<int>(*type.scale));
  if (is_one_of(name, {"REAL", "DOUBLE", "FLOAT"})) return Type{Kind::float64};
  if (name == "DATE") return Type{Kind::date};
  if (name == "TIME") return Type{Kind::time};
  // A TIMESTAMP has seven digits of a second; a value that uses the last one is told when it is read.
  if (is_one_of(name, {"SECONDDATE", "TIMESTAMP"})) return Type{Kind::timestamp};
  if (is_one_of(name, {"VARCHAR", "NVARCHAR", "ALPHANUM", "SHORTTEXT", "CHAR", "NCHAR", "CLOB", "NCLOB",
                       "TEXT", "BINTEXT"}))
    return Type{Kind::text};
  if (is_one_of(name, {"VARBINARY", "BINARY", "BLOB"})) return Type{Kind::bytes};
  return name == "BOOLEAN" ? std::optional{Type{Kind::boolean}} : std::nullopt;
}

std::vector<NamedStatement> hana_statements() {
  return {{"tables", kTables},   {"views", kViews},
          {"columns", kColumns}, {"view columns", kViewColumns},
          {"keys", kKeys},       {"references", kReferences}};
}

Result<data::Schema> discover_hana(Connection& db) {
  SchemaBuilder schema{db.server().default_schema};
  const auto named = [](const Cells& row) { return TableName{text_of(row, 0), text_of(row, 1)}; };
  VMC_TRY(tables, ask(db, kTables));
  for (const auto& row : tables) schema.table(named(row), false, maybe_number(row, 2));
  VMC_TRY(views, ask(db, kViews));
  for (const auto& row : views) schema.table(named(row), true);
  for (const char* question : {kColumns, kViewColumns}) {
    VMC_TRY(columns, ask(db, question));
    for (auto& row : columns) {
      const VendorType type{text_of(row, 3), number_of(row, 4), {}, maybe_number(row, 5)};
      schema.column(named(row), {text_of(row, 2), declared(type), hana_type(type), text_of(row, 6) != "FALSE",
                                 std::move(row[7])});
    }
  }
  VMC_TRY(keys, ask(db, kKeys));
  for (const auto& row : keys)
    schema.key(named(row), text_of(row, 2), number_of(row, 4), text_of(row, 5), text_of(row, 3) == "TRUE");
  VMC_TRY(references, ask(db, kReferences));
  for (const auto& row : references)
    schema.reference(text_of(row, 2), number_of(row, 3), {named(row), text_of(row, 4)},
                     {{text_of(row, 5), text_of(row, 6)}, text_of(row, 7)});
  return schema.finish();
}

}  // namespace vmc::sources::odbc
