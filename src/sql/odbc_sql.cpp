#include "sql/odbc_sql.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "core/text.hpp"
#include "sql/column_sql.hpp"
#include "sql/mssql_sql.hpp"

namespace vmc::sql::odbc {
namespace {

using data::Kind;
using Family = OdbcServer::Family;

constexpr const char* kOracleTime = "'SYYYY-MM-DD HH24:MI:SS.FF6'";
constexpr const char* kHanaTime = "'YYYY-MM-DD HH24:MI:SS.FF7'";

bool is_time(Kind kind) {
  return kind == Kind::date || kind == Kind::time || kind == Kind::timestamp || kind == Kind::timestamptz;
}

// Digits behind the point of an exact number.
int scale_of(const data::Value& value) {
  if (const auto* exact = std::get_if<data::Decimal>(&value)) return exact->scale;
  if (const auto* digits = std::get_if<data::Number>(&value)) {
    const auto point = digits->text.find('.');
    if (point != std::string::npos) return static_cast<int>(digits->text.size() - point - 1);
  }
  return 0;
}

std::string call(std::string_view function, const std::string& what, std::string_view format = {}) {
  return fmt::format("{}({}{}{})", function, what, format.empty() ? "" : ", ", format);
}

// "TIMESTAMP(6) WITH TIME ZONE" -> without its digits, in upper case
std::string oracle_type(const data::ColumnInfo& column) {
  std::string out;
  bool inside = false;
  for (const char c : column.sql_type) {
    if (c == '(') inside = true;
    if (!inside) out += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    if (c == ')') inside = false;
  }
  return out;
}

std::string oracle_projected(const data::ColumnInfo& column, const std::string& quoted) {
  const auto type = oracle_type(column);
  switch (column.type.kind) {
    case Kind::timestamp:
      return call("TO_CHAR", type == "DATE" ? call("CAST", quoted + " AS TIMESTAMP(0)") : quoted,
                  kOracleTime);
    case Kind::timestamptz:
      return call("TO_CHAR", call("SYS_EXTRACT_UTC", quoted), kOracleTime);
    case Kind::int64:
    case Kind::decimal:
    case Kind::number:
      return call("TO_CHAR", quoted, "'TM9', 'NLS_NUMERIC_CHARACTERS=''.,'''");
    case Kind::text:
      if (type == "ROWID" || type == "UROWID") return call("ROWIDTOCHAR", quoted);
      if (type == "XMLTYPE") return "XMLSERIALIZE(CONTENT " + quoted + " AS CLOB)";
      if (type.starts_with("INTERVAL") || type.starts_with("TIMESTAMP")) return call("TO_CHAR", quoted);
      return quoted;
    case Kind::json:
      return "JSON_SERIALIZE(" + quoted + " RETURNING CLOB)";
    default:
      return quoted;
  }
}

std::string oracle_placeholder(const data::ColumnInfo& column) {
  switch (column.type.kind) {
    case Kind::timestamp:
      return call("TO_TIMESTAMP", "?", kOracleTime);
    case Kind::timestamptz:
      return call("FROM_TZ", call("TO_TIMESTAMP", "?", kOracleTime), "'UTC'");
    case Kind::int64:
    case Kind::decimal:
    case Kind::number:
      return "CAST(? AS NUMBER)";  // the session's decimal point is pinned
    default:
      return "?";
  }
}

std::string hana_projected(const data::ColumnInfo& column, const std::string& quoted) {
  switch (column.type.kind) {
    case Kind::date:
      return call("TO_VARCHAR", quoted, "'YYYY-MM-DD'");
    case Kind::time:
      return call("TO_VARCHAR", quoted, "'HH24:MI:SS'");
    case Kind::timestamp:  // a SECONDDATE has no fraction to write
      return call("TO_VARCHAR", "CAST(" + quoted + " AS TIMESTAMP)", kHanaTime);
    case Kind::decimal:
    case Kind::number:
      return call("TO_VARCHAR", quoted);
    default:
      return quoted;
  }
}

std::string hana_placeholder(const data::ColumnInfo& column, const data::Value& value) {
  switch (column.type.kind) {
    case Kind::date:
      return call("TO_DATE", "?", "'YYYY-MM-DD'");
    case Kind::time:
      return call("TO_TIME", "?", "'HH24:MI:SS'");
    case Kind::timestamp:
      return call("TO_TIMESTAMP", "?", kHanaTime);
    case Kind::decimal:
    case Kind::number:
      return fmt::format("TO_DECIMAL(?, 38, {})", std::min(scale_of(value), 38));
    default:
      return "?";
  }
}

std::string mysql_placeholder(const data::ColumnInfo& column, const data::Value& value) {
  switch (column.type.kind) {
    case Kind::date:
      return "CAST(? AS DATE)";
    case Kind::time:
      return "CAST(? AS TIME(6))";
    case Kind::timestamp:
    case Kind::timestamptz:
      return "CAST(? AS DATETIME(6))";
    case Kind::decimal:
    case Kind::number:  // a text would be compared as a double
      return fmt::format("CAST(? AS DECIMAL(65, {}))", std::min(scale_of(value), 30));
    default:
      return "?";
  }
}

// Times as the server's own text: a driver's leaves out the zeros of the years before 1000. Without an alias,
// which ORDER BY would take for the column.
std::string mssql_projected(const data::ColumnInfo& column, const std::string& quoted) {
  constexpr std::string_view kStyle = "121";  // yyyy-mm-dd hh:mi:ss.nnnnnnn
  const auto text = [&](int size, const std::string& what) {
    return fmt::format("CONVERT(nvarchar({}), {}, {})", size, what, kStyle);
  };
  switch (column.type.kind) {
    case Kind::date:
      return text(10, quoted);
    case Kind::time:
      return text(16, quoted);
    case Kind::timestamp:
      return text(27, quoted);
    case Kind::timestamptz:
      return text(27, "CAST(SWITCHOFFSET(" + quoted + ", '+00:00') AS datetime2(7))");
    case Kind::text:  // finer than a microsecond
      for (std::string_view time : {"time", "datetime2", "datetimeoffset"})
        if (column.sql_type.substr(0, column.sql_type.find('(')) == time) return text(34, quoted);
      break;
    default:
      break;
  }
  auto out = mssql::projected(column, quoted);
  const auto alias = " AS " + quoted;
  if (out.ends_with(alias)) out.resize(out.size() - alias.size());
  return out;
}

constexpr std::int64_t kExactInDouble = std::int64_t{1} << 53;

// What the column holds decides, as any of SQLite's columns may hold anything: only what is of its type is written out.
// The driver cuts texts at a NUL and doubles after 15 digits; 20 of SQLite's make the same double again.
std::string sqlite_projected(const data::ColumnInfo& column, const std::string& quoted) {
  const auto exact = fmt::format("printf('%!.20g', {})", quoted);
  const auto brief = fmt::format("printf('%!.15g', {})", quoted);
  const auto by_type = [&](const std::string& cases) {
    return fmt::format("CASE typeof({}) {} WHEN 'null' THEN NULL ELSE '?' END", quoted, cases);
  };
  switch (column.type.kind) {
    case Kind::int64:
      return by_type(fmt::format("WHEN 'integer' THEN CAST({} AS TEXT)", quoted));
    case Kind::float64:
      return by_type(fmt::format("WHEN 'real' THEN {0} WHEN 'integer' THEN CASE WHEN {1} BETWEEN -{2} AND {2} "
                                 "THEN CAST({1} AS TEXT) ELSE '?' END",
                                 exact, quoted, kExactInDouble));
    case Kind::bytes:
      return by_type(fmt::format("WHEN 'blob' THEN hex({})", quoted));
    case Kind::text:
    case Kind::json:
      return by_type(fmt::format("WHEN 'text' THEN hex({0}) WHEN 'integer' THEN hex({0}) "
                                 "WHEN 'real' THEN hex(CASE WHEN CAST({1} AS REAL) = {0} THEN {1} ELSE {2} END)",
                                 quoted, brief, exact));
    default:
      return "CAST(" + quoted + " AS TEXT)";
  }
}

std::string mssql_placeholder(const data::ColumnInfo& column, const data::Value& value) {
  constexpr std::string_view kNamed = "@p1";
  auto out = mssql::placeholder(column, 1, value);
  return out.replace(out.find(kNamed), kNamed.size(), "?");
}

}  // namespace

bool speaks_tsql(const OdbcServer& server) { return server.family == Family::mssql; }
const char* before_values(const OdbcServer& server) {
  return server.family == Family::postgres ? " OVERRIDING SYSTEM VALUE" : "";
}
bool converts(const OdbcServer& server) {
  return server.family != Family::generic && server.family != Family::sqlite;
}

Result<std::string> quote(const OdbcServer& server, std::string_view identifier) {
  if (server.quote.empty()) {
    const auto plain = [](unsigned char c) { return std::isalnum(c) || c == '_'; };
    if (!std::isdigit(static_cast<unsigned char>(identifier[0])) &&
        std::all_of(identifier.begin(), identifier.end(), plain))
      return std::string{identifier};
    return fail(Code::command_malformed, "a name needs quotes, and the ODBC driver has none");
  }
  const bool brackets = server.quote == "[";
  const char close = brackets ? ']' : server.quote[0];
  std::string out(1, server.quote[0]);
  for (const char c : identifier) {
    if (c == close) out += close;
    out += c;
  }
  return out + close;
}

std::string projected(const OdbcServer& server, const data::ColumnInfo& column, const std::string& quoted) {
  const auto kind = column.type.kind;
  switch (server.family) {
    case Family::postgres:
      if (is_time(kind) || kind == Kind::json || kind == Kind::number) return quoted + "::pg_catalog.text";
      // The driver would read the digits of a real as those of a double.
      if (kind == Kind::float64) return quoted + "::pg_catalog.float8";
      return sql::projected(Dialect::postgres, column, quoted);
    case Family::mssql:
      return mssql_projected(column, quoted);
    case Family::sqlite:
      return sqlite_projected(column, quoted);
    case Family::oracle:
      return oracle_projected(column, quoted);
    case Family::hana:
      return hana_projected(column, quoted);
    default:
      return quoted;
  }
}

std::string compared(const OdbcServer& server, const data::ColumnInfo& column, const std::string& quoted) {
  if (server.family == Family::mssql) return mssql::compared(column, quoted);
  return server.family == Family::mysql ? sql::compared(Dialect::mysql, column, quoted) : quoted;
}

std::string placeholder(const OdbcServer& server, const data::ColumnInfo& column, const data::Value& value) {
  switch (server.family) {
    case Family::postgres:
      return postgres_parameter(column, "?");
    case Family::mysql:
      return mysql_placeholder(column, value);
    case Family::mssql:
      return mssql_placeholder(column, value);
    case Family::oracle:
      return oracle_placeholder(column);
    case Family::hana:
      return hana_placeholder(column, value);
    default:
      return "?";
  }
}

std::string like(const OdbcServer& server, const data::ColumnInfo& column, const std::string& quoted) {
  switch (server.family) {
    case Family::sqlite:
      return quoted + " GLOB ?";
    case Family::mysql:
      return sql::like(Dialect::mysql, column, quoted, 1);
    case Family::postgres:
      return sql::projected(Dialect::postgres, column, quoted) + " LIKE ?::pg_catalog.text ESCAPE '\\'";
    case Family::mssql: {
      auto out = mssql::like(mssql::compared(column, quoted), 1);
      return out.replace(out.rfind("@p1"), 3, "?");
    }
    case Family::oracle:
    case Family::hana:
      return quoted + " LIKE ? ESCAPE '\\'";
    case Family::generic:
      break;
  }
  return quoted + " LIKE ? {escape '\\'}";
}

std::string like_pattern(const OdbcServer& server, std::string_view pattern) {
  if (server.family == Family::mssql) return mssql::plain_pattern(pattern);
  return sql::like_pattern(server.family == Family::sqlite ? Dialect::sqlite : Dialect::postgres, pattern);
}

Limit limited(const OdbcServer& server, std::optional<std::int64_t> rows) {
  if (!rows) return {};
  switch (server.family) {
    case Family::sqlite:
    case Family::postgres:
    case Family::mysql:
    case Family::hana:
      return {"", fmt::format(" LIMIT {}", *rows)};
    case Family::mssql:
      return {fmt::format("TOP ({}) ", *rows), ""};
    case Family::oracle:
      return {"", fmt::format(" FETCH FIRST {} ROWS ONLY", *rows)};
    case Family::generic:
      break;
  }
  return {};
}

}  // namespace vmc::sql::odbc

namespace vmc::sql {

Result<Statement> render_lookup(const OdbcServer& server, const data::TableInfo& table,
                                const std::vector<std::string>& columns, const std::vector<std::string>& key,
                                const std::vector<std::vector<data::Value>>& keys) {
  VMC_TRY(list, select_list(server, columns, table));
  VMC_TRY(from, quote_table(server, table.name));
  std::vector<std::string> names;
  for (const auto& name : key) {
    VMC_TRY(quoted, quote(server, name));
    names.push_back(compared(server, *table.column(name), quoted));
  }
  Statement out;
  std::string rows;
  for (const auto& one : keys) {
    std::string row;
    for (std::size_t i = 0; i < key.size(); ++i) {
      row += (i ? " AND " : "") + names[i] + " = " + odbc::placeholder(server, *table.column(key[i]), one[i]);
      out.params.push_back(one[i]);
    }
    rows += (rows.empty() ? "(" : " OR (") + row + ")";
  }
  out.text = "SELECT " + list + " FROM " + from + " WHERE " + rows;
  return out;
}

namespace {

// A null is written out: a parameter would need a type that the server turns into the column's.
std::string written(const OdbcServer& server, const data::ColumnInfo& column, const data::Value& value, Statement& in) {
  if (data::is_null(value)) return "NULL";
  in.params.push_back(value);
  // A column of jsonb takes json, but no text.
  if (server.family == OdbcServer::Family::postgres && column.type.kind == data::Kind::json) return "?::pg_catalog.json";
  return odbc::placeholder(server, column, value);
}

}  // namespace

Result<Statement> render_insert(const OdbcServer& server, const data::TableInfo& table,
                                const std::vector<std::string>& columns, std::span<const std::vector<data::Value>> rows) {
  VMC_TRY(into, quote_table(server, table.name));
  std::string names;
  for (const auto& column : columns) {
    VMC_TRY(name, quote(server, column));
    names += (names.empty() ? "" : ", ") + name;
  }
  Statement out;
  std::string values;
  for (const auto& row : rows) {
    values += values.empty() ? "(" : ", (";
    for (std::size_t i = 0; i < columns.size(); ++i)
      values += (i ? ", " : "") + written(server, *table.column(columns[i]), row[i], out);
    values += ")";
  }
  out.text = "INSERT INTO " + into + " (" + names + ")" + odbc::before_values(server) + " VALUES " + values;
  return out;
}

Result<Statement> render_update(const OdbcServer& server, const data::TableInfo& table,
                                const std::vector<std::string>& columns, const std::vector<bool>& is_key,
                                const std::vector<data::Value>& row) {
  VMC_TRY(into, quote_table(server, table.name));
  Statement out;
  const auto equations = [&](bool of_key, std::string_view between) -> Result<std::string> {
    std::string text;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (is_key[i] != of_key) continue;
      VMC_TRY(name, quote(server, columns[i]));
      if (!text.empty()) text += between;
      text += name + " = " + written(server, *table.column(columns[i]), row[i], out);
    }
    return text;
  };
  VMC_TRY(assigned, equations(false, ", "));
  VMC_TRY(matched, equations(true, " AND "));
  out.text = "UPDATE " + into + " SET " + assigned + " WHERE " + matched;
  return out;
}

}  // namespace vmc::sql
