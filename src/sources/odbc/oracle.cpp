#include <fmt/format.h>

#include "sources/odbc/parts.hpp"
#include "sources/odbc/schema_builder.hpp"
#include "sources/odbc/vendors.hpp"

namespace vmc::sources::odbc {
namespace {

using data::Kind;
using data::Type;

// Oracle's own accounts are marked since 12c. Overflow segments, nested tables and the like are no tables to
// read.
constexpr const char* kTables =
    "SELECT t.OWNER, t.TABLE_NAME, t.NUM_ROWS"
    " FROM ALL_TABLES t JOIN ALL_USERS u ON u.USERNAME = t.OWNER"
    " WHERE u.ORACLE_MAINTAINED = 'N' AND t.NESTED = 'NO' AND t.SECONDARY = 'N' AND t.DROPPED = 'NO'"
    " AND (t.IOT_TYPE IS NULL OR t.IOT_TYPE = 'IOT')";

constexpr const char* kViews =
    "SELECT v.OWNER, v.VIEW_NAME"
    " FROM ALL_VIEWS v JOIN ALL_USERS u ON u.USERNAME = v.OWNER"
    " WHERE u.ORACLE_MAINTAINED = 'N'";

// DATA_DEFAULT is a LONG, and stands last: it is fetched in pieces.
constexpr const char* kColumns =
    "SELECT c.OWNER, c.TABLE_NAME, c.COLUMN_NAME, c.DATA_TYPE, c.DATA_LENGTH, c.CHAR_LENGTH, "
    "c.DATA_PRECISION,"
    " c.DATA_SCALE, c.NULLABLE, c.DATA_DEFAULT"
    " FROM ALL_TAB_COLUMNS c JOIN ALL_USERS u ON u.USERNAME = c.OWNER"
    " WHERE u.ORACLE_MAINTAINED = 'N'"
    " ORDER BY c.OWNER, c.TABLE_NAME, c.COLUMN_ID";

constexpr const char* kKeys =
    "SELECT c.OWNER, c.TABLE_NAME, c.CONSTRAINT_NAME, c.CONSTRAINT_TYPE, k.POSITION, k.COLUMN_NAME"
    " FROM ALL_CONSTRAINTS c JOIN ALL_CONS_COLUMNS k ON k.OWNER = c.OWNER AND k.CONSTRAINT_NAME = "
    "c.CONSTRAINT_NAME"
    " JOIN ALL_USERS u ON u.USERNAME = c.OWNER"
    " WHERE u.ORACLE_MAINTAINED = 'N' AND c.CONSTRAINT_TYPE IN ('P', 'U') AND c.STATUS = 'ENABLED'"
    " AND c.VALIDATED = 'VALIDATED'";

constexpr const char* kReferences =
    "SELECT c.OWNER, c.TABLE_NAME, c.CONSTRAINT_NAME, k.POSITION, k.COLUMN_NAME, r.OWNER, r.TABLE_NAME, "
    "r.COLUMN_NAME"
    " FROM ALL_CONSTRAINTS c JOIN ALL_CONS_COLUMNS k ON k.OWNER = c.OWNER AND k.CONSTRAINT_NAME = "
    "c.CONSTRAINT_NAME"
    " JOIN ALL_CONS_COLUMNS r ON r.OWNER = c.R_OWNER AND r.CONSTRAINT_NAME = c.R_CONSTRAINT_NAME"
    " AND r.POSITION = k.POSITION"
    " JOIN ALL_USERS u ON u.USERNAME = c.OWNER"
    " WHERE u.ORACLE_MAINTAINED = 'N' AND c.CONSTRAINT_TYPE = 'R' AND c.STATUS = 'ENABLED'";

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  for (auto one : names)
    if (name == one) return true;
  return false;
}

// The digits in "TIMESTAMP(6) WITH TIME ZONE".
int digits_in(std::string_view name) {
  const auto open = name.find('(');
  return open == name.npos ? 6 : std::atoi(name.data() + open + 1);
}

std::string declared(const VendorType& type, std::int64_t characters) {
  if (type.name == "NUMBER" && type.precision)
    return fmt::format("NUMBER({},{})", *type.precision, type.scale.value_or(0));
  if (type.name == "NUMBER" && type.scale == 0) return "NUMBER(38,0)";  // as INTEGER is kept
  if (is_one_of(type.name, {"VARCHAR2", "NVARCHAR2", "CHAR", "NCHAR"}))
    return fmt::format("{}({})", type.name, characters);
  return type.name == "RAW" ? fmt::format("RAW({})", type.length) : type.name;
}

std::optional<std::string> trimmed(std::optional<std::string> text) {
  while (text && !text->empty() && (text->back() == ' ' || text->back() == '\n')) text->pop_back();
  return text;
}

}  // namespace

std::optional<Type> oracle_type(const VendorType& type) {
  const std::string_view name = type.name;
  if (name == "NUMBER") {
    // Without digits at all it has a floating point of base ten; INTEGER is NUMBER with a scale only.
    if (!type.precision) return type.scale == 0 ? Type{Kind::decimal, 38, 0} : Type{Kind::number};
    if (type.scale.value_or(0) == 0 && *type.precision <= 18) return Type{Kind::int64};
    return exact_number(*type.precision, static_cast<int>(type.scale.value_or(0)));
  }
  if (name == "FLOAT") return Type{Kind::number};  // a NUMBER whose precision counts bits
  if (is_one_of(name, {"BINARY_FLOAT", "BINARY_DOUBLE"})) return Type{Kind::float64};
  if (name == "DATE") return Type{Kind::timestamp};  // it has a time of day
  if (name.starts_with("TIMESTAMP")) {
    if (digits_in(name) > 6) return Type{Kind::text};  // a microsecond cannot hold it
    return Type{name.ends_with("TIME ZONE") ? Kind::timestamptz : Kind::timestamp};
  }
  if (name.starts_with("INTERVAL")) return Type{Kind::text};
  if (is_one_of(name, {"VARCHAR2", "NVARCHAR2", "VARCHAR", "CHAR", "NCHAR", "CLOB", "NCLOB", "LONG", "ROWID",
                       "UROWID", "XMLTYPE"}))
    return Type{Kind::text};
  if (is_one_of(name, {"RAW", "LONG RAW", "BLOB"})) return Type{Kind::bytes};
  if (name == "JSON") return Type{Kind::json};
  return name == "BOOLEAN" ? std::optional{Type{Kind::boolean}} : std::nullopt;
}

std::vector<NamedStatement> oracle_statements() {
  return {{"tables", kTables},
          {"views", kViews},
          {"columns", kColumns},
          {"keys", kKeys},
          {"references", kReferences}};
}

Result<data::Schema> discover_oracle(Connection& db) {
  SchemaBuilder schema{db.server().default_schema};
  const auto named = [](const Cells& row) { return TableName{text_of(row, 0), text_of(row, 1)}; };
  VMC_TRY(tables, ask(db, kTables));
  for (const auto& row : tables) schema.table(named(row), false, maybe_number(row, 2));
  VMC_TRY(views, ask(db, kViews));
  for (const auto& row : views) schema.table(named(row), true);
  VMC_TRY(columns, ask(db, kColumns));
  for (auto& row : columns) {
    const VendorType type{text_of(row, 3), number_of(row, 4), maybe_number(row, 6), maybe_number(row, 7)};
    schema.column(named(row), {text_of(row, 2), declared(type, number_of(row, 5)), oracle_type(type),
                               text_of(row, 8) != "N", trimmed(std::move(row[9]))});
  }
  VMC_TRY(keys, ask(db, kKeys));
  for (const auto& row : keys)
    schema.key(named(row), text_of(row, 2), number_of(row, 4), text_of(row, 5), text_of(row, 3) == "P");
  VMC_TRY(references, ask(db, kReferences));
  for (const auto& row : references)
    schema.reference(text_of(row, 2), number_of(row, 3), {named(row), text_of(row, 4)},
                     {{text_of(row, 5), text_of(row, 6)}, text_of(row, 7)});
  return schema.finish();
}

}  // namespace vmc::sources::odbc
