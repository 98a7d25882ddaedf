#include "sql/guard/elsewhere.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "core/text.hpp"

namespace vmc::sql {
namespace {

struct Elsewhere {
  Dialect here;
  std::string_view word;  // lower case, or a sign
  std::string_view instead;
};

constexpr auto kElsewhere = std::to_array<Elsewhere>({
    {Dialect::mssql, "limit", "Limit rows with SELECT TOP (5), or with ORDER BY … OFFSET 0 ROWS FETCH NEXT 5 ROWS ONLY."},
    {Dialect::mssql, "`", "Names stand in [brackets] or \"double quotes\"."},
    {Dialect::mssql, "?", "Parameters are written @p1, @p2 and so on."},
    {Dialect::mssql, "::", "Casts are written CAST(x AS type)."},
    {Dialect::mssql, "||", "Texts are joined with + or CONCAT(…)."},
    {Dialect::mssql, "ilike", "Write LIKE: the column's collation decides whether capitals count."},
    {Dialect::mssql, "now", "Write GETDATE() or SYSUTCDATETIME()."},
    {Dialect::mssql, "if", "Write IIF(condition, a, b), or CASE WHEN … END."},
    {Dialect::mssql, "ifnull", "Write ISNULL(a, b) or COALESCE(a, b)."},
    {Dialect::mssql, "nvl", "Write ISNULL(a, b) or COALESCE(a, b)."},
    {Dialect::mssql, "using", "Write the condition: ON a.id = b.id."},
    {Dialect::mssql, "length", "Write LEN(x), or DATALENGTH(x) for bytes."},
    {Dialect::mssql, "substr", "Write SUBSTRING(x, start, length)."},
    {Dialect::mssql, "group_concat", "Write STRING_AGG(x, ',')."},
    {Dialect::mssql, "date_trunc", "Write DATETRUNC(month, x), or DATEADD(month, DATEDIFF(month, 0, x), 0) before 2022."},
    {Dialect::mysql, "top", "Limit rows with LIMIT 5 at the end."},
    {Dialect::mysql, "[", "Names stand in `backticks`."},
    {Dialect::mysql, "@p1", "Parameters are written ?."},
    {Dialect::mysql, "ilike", "Write LIKE: the column's collation decides whether capitals count."},
    {Dialect::mysql, "filter", "Write SUM(condition), or COUNT(CASE WHEN condition THEN 1 END)."},
    {Dialect::mysql, "getdate", "Write NOW() or UTC_TIMESTAMP()."},
    {Dialect::mysql, "len", "Write CHAR_LENGTH(x), or LENGTH(x) for bytes."},
    {Dialect::mysql, "string_agg", "Write GROUP_CONCAT(x SEPARATOR ',')."},
    {Dialect::mysql, "date_trunc", "Write DATE_FORMAT(x, '%Y-%m-01')."},
    {Dialect::mysql, "iif", "Write IF(condition, a, b)."},
    {Dialect::postgres, "top", "Limit rows with LIMIT 5 at the end."},
    {Dialect::postgres, "[", "Names stand in \"double quotes\"."},
    {Dialect::postgres, "`", "Names stand in \"double quotes\"."},
    {Dialect::postgres, "?", "Parameters are written $1, $2 and so on."},
    {Dialect::postgres, "limit", "Write LIMIT 10 OFFSET 5."},
    {Dialect::postgres, "pg_sleep", "Leave it out."},
    {Dialect::postgres, "getdate", "Write now()."},
    {Dialect::postgres, "sysdate", "Write now()."},
    {Dialect::postgres, "ifnull", "Write COALESCE(a, b)."},
    {Dialect::postgres, "isnull", "Write COALESCE(a, b)."},
    {Dialect::postgres, "nvl", "Write COALESCE(a, b)."},
    {Dialect::postgres, "if", "Write CASE WHEN condition THEN a ELSE b END."},
    {Dialect::postgres, "iif", "Write CASE WHEN condition THEN a ELSE b END."},
    {Dialect::postgres, "len", "Write length(x)."},
    {Dialect::postgres, "group_concat", "Write string_agg(x, ',')."},
    {Dialect::postgres, "date_format", "Write to_char(x, 'YYYY-MM-DD')."},
    {Dialect::postgres, "datediff", "Write a::date - b::date, or age(a, b)."},
});

bool is_name_byte(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '@' || c == '$'; }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// The word or the sign at this byte.
std::string_view piece_at(std::string_view statement, std::size_t at) {
  if (at >= statement.size()) return {};
  const auto rest = statement.substr(at);
  const auto end = std::find_if_not(rest.begin(), rest.end(), is_name_byte);
  if (end != rest.begin()) return rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
  return rest.substr(0, rest.starts_with("::") || rest.starts_with("||") ? 2 : 1);
}

std::string_view piece_before(std::string_view statement, std::size_t at) {
  auto end = std::min(at, statement.size());
  while (end > 0 && is_blank(statement[end - 1])) --end;
  auto begin = end;
  while (begin > 0 && is_name_byte(statement[begin - 1])) --begin;
  if (begin < end) return statement.substr(begin, end - begin);
  return end > 0 ? statement.substr(end - 1, 1) : std::string_view{};
}

std::string_view instead_of(Dialect here, std::string_view piece) {
  const auto word = lowered(piece);
  const auto found = std::find_if(kElsewhere.begin(), kElsewhere.end(),
                                  [&](const auto& one) { return one.here == here && one.word == word; });
  return found == kElsewhere.end() ? std::string_view{} : found->instead;
}

}  // namespace

std::string_view as_written_here(Dialect dialect, std::string_view statement, std::size_t at) {
  const auto here = piece_at(statement, at), before = piece_before(statement, at);
  if (before.empty()) return {};  // the statement's own first word
  if (const auto instead = instead_of(dialect, here); !instead.empty()) return instead;
  // Some are what follows the name that is told of.
  const auto next = piece_at(statement, statement.find_first_not_of(" \t\r\n", at + here.size()));
  if (next == "::" || lowered(next) == "ilike") return instead_of(dialect, next);
  return instead_of(dialect, before);
}

}  // namespace vmc::sql
