#include "core/text.hpp"
#include "sql/odbc_sql.hpp"

namespace vmc::sql {
namespace {

// PostgreSQL cuts longer names silently (NAMEDATALEN), so that another table would be meant.
constexpr std::size_t kPostgresNameMax = 63;
constexpr std::size_t kSqliteNameMax = 1024;
constexpr std::size_t kMysqlNameMax = 64 * 3;   // 64 characters of at most three bytes: names have no others
constexpr std::size_t kMssqlNameMax = 128 * 3;  // the same

std::size_t name_max(Target dialect) {
  if (dialect == Dialect::postgres) return kPostgresNameMax;
  if (dialect == Dialect::mysql) return kMysqlNameMax;
  return dialect == Dialect::mssql ? kMssqlNameMax : kSqliteNameMax;
}

// The split is at the first dot.
struct Qualified {
  std::string_view schema, name;
};

Qualified qualified(std::string_view table, std::string_view standard) {
  const auto dot = table.find('.');
  if (dot == table.npos) return {standard, table};
  return {table.substr(0, dot), table.substr(dot + 1)};
}

}  // namespace

Result<std::string> quote(Target dialect, std::string_view identifier) {
  const std::size_t max = name_max(dialect);
  if (identifier.empty()) return fail(Code::command_malformed, "a name is empty");
  if (identifier.size() > max)
    return fail(Code::command_malformed, "a name is longer than " + std::to_string(max) + " bytes");
  if (identifier.find('\0') != identifier.npos || !is_utf8(identifier))
    return fail(Code::command_malformed, "a name holds bytes that no name can have");
  if (dialect.odbc()) return odbc::quote(*dialect.odbc(), identifier);
  const char open = dialect == Dialect::mssql ? '[' : dialect == Dialect::mysql ? '`' : '"';
  const char close = dialect == Dialect::mssql ? ']' : open;
  std::string out(1, open);
  for (char c : identifier) {
    if (c == close) out += close;
    out += c;
  }
  return out + close;
}

Result<std::string> quote_table(Target dialect, std::string_view table) {
  const auto* server = dialect.odbc();
  const bool bare_stays = dialect == Dialect::mysql || (server && server->default_schema.empty());
  if (bare_stays && table.find('.') == table.npos) return quote(dialect, table);  // in the connection's database
  const std::string_view standard = server                         ? std::string_view{server->default_schema}
                                    : dialect == Dialect::postgres ? "public"
                                    : dialect == Dialect::mssql    ? "dbo"
                                                                   : "main";
  const auto whole = qualified(table, standard);
  VMC_TRY(schema, quote(dialect, whole.schema));
  VMC_TRY(name, quote(dialect, whole.name));
  return schema + "." + name;
}

}  // namespace vmc::sql
