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

// The refusal says nothing of its own to do.
bool is_general(const Refusal& refusal) {
  return refusal.hint.empty() || refusal.what.starts_with("PostgreSQL does not understand");
}

std::string_view instead_of(Dialect dialect, std::string_view statement, const Refusal& refusal) {
  const auto at = refusal.at;
  const auto here = piece_at(statement, at);
  const auto behind = piece_at(statement, statement.find_first_not_of(" \t\r\n", at + here.size()));
  const bool is_sign = !here.empty() && !is_name_byte(here.front());
  if (refusal.layer == Layer::functions) {
    if (!is_sign && behind == "(") return instead_of(dialect, here);
    const bool cast = dialect == Dialect::mssql && behind == "::";
    const auto type = cast ? statement.find("::", at) + behind.size() : 0;
    return cast && piece_at(statement, type + piece_at(statement, type).size()) != "(" ? instead_of(dialect, behind)
                                                                                       : std::string_view{};
  }
  if (refusal.layer == Layer::tokens && is_sign) return instead_of(dialect, here);
  if (lowered(behind) == "ilike") return instead_of(dialect, behind);
  if (!is_general(refusal) && !here.starts_with('@')) return {};
  if (const auto instead = instead_of(dialect, here); !instead.empty()) return instead;
  // "LIMIT 5" is understood up to the number, "USING (" up to the parenthesis, "`a` FROM" up to the next word.
  const auto before = piece_before(statement, at);
  const bool follows = here == "(" || (!here.empty() && std::isdigit(static_cast<unsigned char>(here.front())));
  return before == "`" || before == "?" || (follows && !before.empty()) ? instead_of(dialect, before) : std::string_view{};
}

}  // namespace

void advise(Dialect dialect, std::string_view statement, Refusal& refusal) {
  if (const auto instead = instead_of(dialect, statement, refusal); !instead.empty()) refusal.hint = instead;
}

}  // namespace vmc::sql
