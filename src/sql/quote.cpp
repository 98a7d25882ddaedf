#include "core/text.hpp"
#include "sql/dialect.hpp"

namespace vmc::sql {
namespace {

// PostgreSQL cuts longer names silently (NAMEDATALEN), so that another table would be meant.
constexpr std::size_t kPostgresNameMax = 63;
constexpr std::size_t kSqliteNameMax = 1024;

}  // namespace

Result<std::string> quote(Dialect dialect, std::string_view identifier) {
  const std::size_t max = dialect == Dialect::postgres ? kPostgresNameMax : kSqliteNameMax;
  if (identifier.empty()) return fail(Code::command_malformed, "a name is empty");
  if (identifier.size() > max)
    return fail(Code::command_malformed, "a name is longer than " + std::to_string(max) + " bytes");
  if (identifier.find('\0') != identifier.npos || !is_utf8(identifier))
    return fail(Code::command_malformed, "a name holds bytes that no name can have");
  std::string out = "\"";
  for (char c : identifier) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

Result<std::string> quote_table(Dialect dialect, std::string_view table) {
  const auto dot = table.find('.');
  const std::string_view standard = dialect == Dialect::postgres ? "public" : "main";
  VMC_TRY(schema, quote(dialect, dot == table.npos ? standard : table.substr(0, dot)));
  VMC_TRY(name, quote(dialect, dot == table.npos ? table : table.substr(dot + 1)));
  return schema + "." + name;
}

}  // namespace vmc::sql
