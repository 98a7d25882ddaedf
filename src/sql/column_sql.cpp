#include "sql/column_sql.hpp"

#include <cctype>
#include <optional>

#include "sql/mssql_sql.hpp"
#include "sql/odbc_sql.hpp"

namespace vmc::sql {
namespace {

using data::Kind;
using data::Value;

std::string base_type(std::string_view sql_type) {
  std::string out;
  const auto open = sql_type.find('(');
  for (char c : sql_type.substr(0, open))
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (const auto close = sql_type.find(')'); open != sql_type.npos && close != sql_type.npos)
    out += sql_type.substr(close + 1);  // "timestamp(3) with time zone"
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

// Types the session decodes as they are, by the names people and the catalogue use for them.
struct PostgresType {
  Kind kind;
  std::string_view name;  // as declared, lower case, without numbers
  std::string_view own;   // in pg_catalog
};

constexpr PostgresType kPostgresTypes[] = {
    {Kind::boolean, "boolean", "bool"},
    {Kind::boolean, "bool", "bool"},
    {Kind::int64, "smallint", "int2"},
    {Kind::int64, "integer", "int4"},
    {Kind::int64, "bigint", "int8"},
    {Kind::int64, "int2", "int2"},
    {Kind::int64, "int4", "int4"},
    {Kind::int64, "int8", "int8"},
    {Kind::int64, "int", "int4"},
    {Kind::int64, "smallserial", "int2"},
    {Kind::int64, "serial", "int4"},
    {Kind::int64, "bigserial", "int8"},
    {Kind::int64, "oid", "oid"},
    {Kind::float64, "double precision", "float8"},
    {Kind::float64, "real", "float4"},
    {Kind::float64, "float8", "float8"},
    {Kind::float64, "float4", "float4"},
    {Kind::decimal, "numeric", "numeric"},
    {Kind::decimal, "decimal", "numeric"},
    {Kind::number, "numeric", "numeric"},
    {Kind::number, "decimal", "numeric"},
    {Kind::text, "text", "text"},
    {Kind::text, "character varying", "varchar"},
    {Kind::text, "varchar", "varchar"},
    {Kind::text, "character", "bpchar"},
    {Kind::text, "char", "bpchar"},
    {Kind::text, "bpchar", "bpchar"},
    {Kind::text, "name", "name"},
    {Kind::bytes, "bytea", "bytea"},
    {Kind::date, "date", "date"},
    {Kind::time, "time without time zone", "time"},
    {Kind::time, "time", "time"},
    {Kind::timestamp, "timestamp without time zone", "timestamp"},
    {Kind::timestamp, "timestamp", "timestamp"},
    {Kind::timestamptz, "timestamp with time zone", "timestamptz"},
    {Kind::timestamptz, "timestamptz", "timestamptz"},
    {Kind::uuid, "uuid", "uuid"},
    {Kind::json, "json", "json"},
    {Kind::json, "jsonb", "jsonb"},
};

// What every value of a kind can be cast to.
std::string_view postgres_cast(Kind kind) {
  switch (kind) {
    case Kind::boolean:
      return "bool";
    case Kind::int64:
      return "int8";
    case Kind::float64:
      return "float8";
    case Kind::decimal:
    case Kind::number:
      return "numeric";
    case Kind::bytes:
      return "bytea";
    case Kind::date:
      return "date";
    case Kind::time:
      return "time";
    case Kind::timestamp:
      return "timestamp";
    case Kind::timestamptz:
      return "timestamptz";
    case Kind::uuid:
      return "uuid";
    case Kind::text:
    case Kind::json:
      break;
  }
  return "text";
}

// The column's own type when the session decodes it, else empty.
std::string_view postgres_own(const data::ColumnInfo& column) {
  const auto name = base_type(column.sql_type);
  for (const auto& type : kPostgresTypes)
    if (type.kind == column.type.kind && type.name == name) return type.own;
  return {};
}

bool postgres_native(const data::ColumnInfo& column) { return !postgres_own(column).empty(); }

bool is_blank_padded(const data::ColumnInfo& column) { return postgres_own(column) == "bpchar"; }

// MySQL orders an ENUM or SET by its numbers, and compares it with a text by its text.
bool is_listed(const data::ColumnInfo& column) {
  const auto name = base_type(column.sql_type);
  return name == "enum" || name == "set";
}

const char* sqlite_collation(Kind kind) {
  switch (kind) {
    case Kind::decimal:
    case Kind::number:
      return kDecimalCollation;
    case Kind::time:
      return kTimeCollation;
    case Kind::timestamp:
    case Kind::timestamptz:
      return kInstantCollation;
    case Kind::uuid:
      return "NOCASE";
    default:
      return nullptr;
  }
}

std::string numbered(Target dialect, std::size_t n) {
  if (dialect == Dialect::mysql) return "?";
  return (dialect == Dialect::postgres ? "$" : "?") + std::to_string(n);
}

constexpr std::int64_t kExactInDouble = std::int64_t{1} << 53;
constexpr std::int64_t kMicrosPerDay = 86'400'000'000;

// The few conversions that lose nothing whatever the value; nullopt: there is none.
std::optional<Value> widen(const Value& value, Kind kind) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    if (kind == Kind::decimal || kind == Kind::number) return data::Decimal{*integer, 0};
    if (kind == Kind::float64 && *integer >= -kExactInDouble && *integer <= kExactInDouble)
      return static_cast<double>(*integer);
  }
  if (const auto* date = std::get_if<data::Date>(&value); date && kind == Kind::timestamp)
    if (date->days != INT32_MAX && date->days != INT32_MIN)
      return data::Timestamp{date->days * kMicrosPerDay};
  return std::nullopt;
}

bool is_of_kind(const Value& value, Kind kind) {
  switch (kind) {
    case Kind::boolean:
      return std::holds_alternative<bool>(value);
    case Kind::int64:
      return std::holds_alternative<std::int64_t>(value);
    case Kind::float64:
      return std::holds_alternative<double>(value);
    case Kind::decimal:
    case Kind::number:
      return std::holds_alternative<data::Decimal>(value) || std::holds_alternative<data::Number>(value);
    case Kind::text:
      return std::holds_alternative<std::string>(value);
    case Kind::bytes:
      return std::holds_alternative<Bytes>(value);
    case Kind::date:
      return std::holds_alternative<data::Date>(value);
    case Kind::time:
      return std::holds_alternative<data::Time>(value);
    case Kind::timestamp:
      return std::holds_alternative<data::Timestamp>(value);
    case Kind::timestamptz:
      return std::holds_alternative<data::TimestampTz>(value);
    case Kind::uuid:
      return std::holds_alternative<data::Uuid>(value);
    case Kind::json:
      return false;  // documents have no order and, in PostgreSQL's json, no equality
  }
  return false;
}

}  // namespace

std::string projected(Target dialect, const data::ColumnInfo& column, const std::string& quoted) {
  if (dialect.odbc()) return odbc::projected(*dialect.odbc(), column, quoted);
  if (dialect == Dialect::mssql) return mssql::projected(column, quoted);
  if (dialect != Dialect::postgres) return quoted;
  // To its own type where that is known: free, and a domain over it travels as what it is based on.
  const auto own = postgres_own(column);
  return quoted + "::pg_catalog." + std::string{own.empty() ? postgres_cast(column.type.kind) : own};
}

std::string compared(Target dialect, const data::ColumnInfo& column, const std::string& quoted) {
  if (dialect.odbc()) return odbc::compared(*dialect.odbc(), column, quoted);
  if (dialect == Dialect::postgres) return quoted;
  if (dialect == Dialect::mysql) return is_listed(column) ? "CONVERT(" + quoted + " USING utf8mb4)" : quoted;
  if (dialect == Dialect::mssql) return mssql::compared(column, quoted);
  const char* collation = sqlite_collation(column.type.kind);
  return collation ? quoted + " COLLATE " + collation : quoted;
}

std::string postgres_parameter(const data::ColumnInfo& column, const std::string& parameter) {
  if (column.type.kind == Kind::text) {
    if (is_blank_padded(column)) return parameter + "::pg_catalog.bpchar";
    // An enum, a network address …: left to the server, which gives the parameter the column's own type.
    if (!postgres_native(column)) return parameter;
  }
  return parameter + "::pg_catalog." + std::string{postgres_cast(column.type.kind)};
}

std::string placeholder(Target dialect, const data::ColumnInfo& column, std::size_t n, const Value& value) {
  if (dialect.odbc()) return odbc::placeholder(*dialect.odbc(), column, value);
  if (dialect == Dialect::mssql) return mssql::placeholder(column, n, value);
  const auto parameter = numbered(dialect, n);
  return dialect == Dialect::postgres ? postgres_parameter(column, parameter) : parameter;
}

std::string like(Target dialect, const data::ColumnInfo& column, const std::string& quoted, std::size_t n) {
  if (dialect.odbc()) return odbc::like(*dialect.odbc(), column, quoted);
  if (dialect == Dialect::mssql) return mssql::like(mssql::compared(column, quoted), n);
  if (dialect == Dialect::sqlite) return quoted + " GLOB " + numbered(dialect, n);
  if (dialect == Dialect::mysql)
    return "CONVERT(" + quoted + " USING utf8mb4) COLLATE utf8mb4_bin LIKE ? ESCAPE '\\\\'";
  const auto subject = postgres_native(column) ? quoted : quoted + "::pg_catalog.text";
  return subject + " LIKE " + numbered(dialect, n) + "::pg_catalog.text ESCAPE '\\'";
}

std::string like_pattern(Target dialect, std::string_view pattern) {
  if (dialect.odbc()) return odbc::like_pattern(*dialect.odbc(), pattern);
  if (dialect == Dialect::mssql) return mssql::plain_pattern(pattern);
  if (dialect != Dialect::sqlite) return std::string{pattern};
  std::string glob;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const bool escaped = pattern[i] == '\\' && i + 1 < pattern.size();
    const char c = pattern[escaped ? ++i : i];
    if (!escaped && c == '%')
      glob += '*';
    else if (!escaped && c == '_')
      glob += '?';
    else if (c == '*' || c == '?' || c == '[')
      glob += {'[', c, ']'};
    else
      glob += c;
  }
  return glob;
}

Result<Value> fit(Target dialect, const Value& value, const data::ColumnInfo& column) {
  const auto refuse = [&](std::string_view why) {
    return fail(Code::command_malformed, "a value for column '" + column.name + "' " + std::string{why});
  };
  if (data::is_null(value)) return refuse("is null; use is_null");
  if (column.type.kind == Kind::json) return refuse("cannot be compared: the column holds JSON documents");
  const bool coarse = dialect == Dialect::mssql || (dialect.odbc() && odbc::speaks_tsql(*dialect.odbc()));
  if (coarse && !mssql::keeps(column, value)) return refuse("is finer than its type");
  if (is_of_kind(value, column.type.kind)) return value;
  if (auto widened = widen(value, column.type.kind)) return std::move(*widened);
  if (const auto* text = std::get_if<std::string>(&value)) {
    // As an unbounded number, so that a filter may name a bound the column itself could not hold.
    const data::Type type = column.type.kind == Kind::decimal ? data::Type{Kind::number} : column.type;
    auto parsed = data::parse_value(*text, type);
    if (parsed && (!coarse || mssql::keeps(column, *parsed))) return parsed;
  }
  return refuse("is not of its type " + data::to_string(column.type));
}

}  // namespace vmc::sql
