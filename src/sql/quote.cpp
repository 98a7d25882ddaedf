#include "core/text.hpp"
#include "sql/dialect.hpp"

namespace vmc::sql {
namespace {

// PostgreSQL cuts longer names silently (NAMEDATALEN), so that another table would be meant.
constexpr std::size_t kPostgresNameMax = 63;
constexpr std::size_t kSqliteNameMax = 1024;
constexpr std::size_t kMysqlNameMax = 64 * 3;   // 64 characters of at most three bytes: names have no others
constexpr std::size_t kMssqlNameMax = 128 * 3;  // the same

std::size_t name_max(Dialect dialect) {
  switch (dialect) {
    case Dialect::postgres:
      return kPostgresNameMax;
    case Dialect::mysql:
      return kMysqlNameMax;
    case Dialect::mssql:
      return kMssqlNameMax;
    default:
      return kSqliteNameMax;
  }
}

}  // namespace

Result<std::string> quote(Dialect dialect, std::string_view identifier) {
  const std::size_t max = name_max(dialect);
  if (identifier.empty()) return fail(Code::command_malformed, "a name is empty");
  if (identifier.size() > max)
    return fail(Code::command_malformed, "a name is longer than " + std::to_string(max) + " bytes");
  if (identifier.find('\0') != identifier.npos || !is_utf8(identifier))
    return fail(Code::command_malformed, "a name holds bytes that no name can have");
  const char open = dialect == Dialect::mssql ? '[' : dialect == Dialect::mysql ? '`' : '"';
  const char close = dialect == Dialect::mssql ? ']' : open;
  std::string out(1, open);
  for (char c : identifier) {
    if (c == close) out += close;
    out += c;
  }
  return out + close;
}

Result<std::string> quote_table(Dialect dialect, std::string_view table) {
  const auto dot = table.find('.');
  if (dialect == Dialect::mysql && dot == table.npos) return quote(dialect, table);  // in the connection's database
  const std::string_view standard = dialect == Dialect::postgres ? "public"
                                    : dialect == Dialect::mssql  ? "dbo"
                                                                 : "main";
  VMC_TRY(schema, quote(dialect, dot == table.npos ? standard : table.substr(0, dot)));
  VMC_TRY(name, quote(dialect, dot == table.npos ? table : table.substr(dot + 1)));
  return schema + "." + name;
}

}  // namespace vmc::sql
