#include "sql/column_sql.hpp"

#include <cctype>
#include <optional>

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

struct PostgresKind {
  std::string_view cast;      // the type of this kind
  std::string_view native;    // |names| of what the session decodes without a cast
};

PostgresKind postgres_kind(Kind kind) {
  switch (kind) {
    case Kind::boolean: return {"bool", "|boolean|bool|"};
    case Kind::int64:
      return {"int8",
              "|smallint|integer|bigint|int2|int4|int8|int|smallserial|serial|bigserial|oid|"};
    case Kind::float64: return {"float8", "|double precision|real|float8|float4|float|"};
    case Kind::decimal:
    case Kind::number: return {"numeric", "|numeric|decimal|"};
    case Kind::text: return {"text", "|text|character varying|varchar|character|char|bpchar|name|"};
    case Kind::bytes: return {"bytea", "|bytea|"};
    case Kind::date: return {"date", "|date|"};
    case Kind::time: return {"time", "|time without time zone|time|"};
    case Kind::timestamp: return {"timestamp", "|timestamp without time zone|timestamp|"};
    case Kind::timestamptz: return {"timestamptz", "|timestamp with time zone|timestamptz|"};
    case Kind::uuid: return {"uuid", "|uuid|"};
    case Kind::json: return {"text", "|json|jsonb|"};
  }
  return {"text", "|"};
}

bool postgres_native(const data::ColumnInfo& column) {
  return postgres_kind(column.type.kind).native.find("|" + base_type(column.sql_type) + "|") != std::string_view::npos;
}

bool is_blank_padded(const data::ColumnInfo& column) {
  const auto type = base_type(column.sql_type);
  return type == "character" || type == "char" || type == "bpchar";
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

std::string numbered(Dialect dialect, std::size_t n) {
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

std::string projected(Dialect dialect, const data::ColumnInfo& column, const std::string& quoted) {
  if (dialect == Dialect::sqlite || postgres_native(column)) return quoted;
  return quoted + "::pg_catalog." + std::string{postgres_kind(column.type.kind).cast};
}

std::string compared(Dialect dialect, const data::ColumnInfo& column, const std::string& quoted) {
  if (dialect == Dialect::postgres) return quoted;
  const char* collation = sqlite_collation(column.type.kind);
  return collation ? quoted + " COLLATE " + collation : quoted;
}

std::string placeholder(Dialect dialect, const data::ColumnInfo& column, std::size_t n) {
  const auto parameter = numbered(dialect, n);
  if (dialect == Dialect::sqlite) return parameter;
  if (column.type.kind == Kind::text) {
    if (is_blank_padded(column)) return parameter + "::pg_catalog.bpchar";
    // An enum, a network address …: left to the server, which gives the parameter the column's own type.
    if (!postgres_native(column)) return parameter;
  }
  return parameter + "::pg_catalog." + std::string{postgres_kind(column.type.kind).cast};
}

std::string like(Dialect dialect, const data::ColumnInfo& column, const std::string& quoted, std::size_t n) {
  if (dialect == Dialect::sqlite) return quoted + " LIKE " + numbered(dialect, n) + " ESCAPE '\\'";
  const auto subject = postgres_native(column) ? quoted : quoted + "::pg_catalog.text";
  return subject + " LIKE " + numbered(dialect, n) + "::pg_catalog.text ESCAPE '\\'";
}

Result<Value> fit(const Value& value, const data::ColumnInfo& column) {
  const auto refuse = [&](std::string_view why) {
    return fail(Code::command_malformed, "a value for column '" + column.name + "' " + std::string{why});
  };
  if (data::is_null(value)) return refuse("is null; use is_null");
  if (column.type.kind == Kind::json) return refuse("cannot be compared: the column holds JSON documents");
  if (is_of_kind(value, column.type.kind)) return value;
  if (auto widened = widen(value, column.type.kind)) return std::move(*widened);
  if (const auto* text = std::get_if<std::string>(&value)) {
    // As an unbounded number, so that a filter may name a bound the column itself could not hold.
    const data::Type type = column.type.kind == Kind::decimal ? data::Type{Kind::number} : column.type;
    auto parsed = data::parse_value(*text, type);
    if (parsed) return parsed;
  }
  return refuse("is not of its type " + data::to_string(column.type));
}

}  // namespace vmc::sql
