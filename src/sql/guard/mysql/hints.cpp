#include <algorithm>
#include <array>
#include <charconv>

#include "sql/guard/mysql/lexer.hpp"
#include "sql/guard/mysql/names.hpp"

namespace vmc::sql::mysql {
namespace {

constexpr unsigned kExecutionMsMax = 3'600'000;

// Hints that only choose a plan. Left out: SET_VAR (a setting for the statement), RESOURCE_GROUP (moves the thread).
constexpr auto kPlanHints = std::to_array<std::string_view>({
    "bka", "bnl", "derived_condition_pushdown", "group_index", "hash_join", "index", "index_merge", "join_fixed_order",
    "join_index", "join_order", "join_prefix", "join_suffix", "merge", "mrr", "no_bka", "no_bnl",
    "no_derived_condition_pushdown", "no_group_index", "no_hash_join", "no_icp", "no_index", "no_index_merge",
    "no_join_index", "no_merge", "no_mrr", "no_order_index", "no_range_optimization", "no_semijoin", "no_skip_scan",
    "order_index", "qb_name", "semijoin", "skip_scan", "subquery",
});
static_assert(std::ranges::is_sorted(kPlanHints));

constexpr bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}
constexpr bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// NAME or NAME(arguments), several of them.
class Hints {
 public:
  explicit Hints(std::string_view text) : rest_{text} {}

  // The name of the first hint that is not known, or empty.
  std::string first_unknown() {
    for (skip_blanks(); !rest_.empty(); skip_blanks()) {
      const auto name = fold(take_name());
      if (name.empty()) return std::string{rest_.substr(0, 1)};
      std::string_view arguments;
      if (!take_arguments(arguments) || !known(name, arguments)) return name;
    }
    return {};
  }

 private:
  void skip_blanks() {
    while (!rest_.empty() && is_blank(rest_.front())) rest_.remove_prefix(1);
  }

  std::string_view take_name() {
    const auto end = std::ranges::find_if_not(rest_, is_name_byte);
    const auto name = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(name.size());
    return name;
  }

  // Names, numbers, @blocks, dots and commas in parentheses. A name in backticks must be closed, or the server would
  // look for its end behind that of the comment.
  bool take_arguments(std::string_view& arguments) {
    skip_blanks();
    if (!rest_.starts_with('(')) return true;
    const auto end = rest_.find(')');
    if (end == rest_.npos) return false;
    arguments = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return std::ranges::count(arguments, '`') % 2 == 0 && std::ranges::all_of(arguments, [](char c) {
      return is_name_byte(c) || is_blank(c) || c == '@' || c == ',' || c == '.' || c == '`';
    });
  }

  static bool known(std::string_view name, std::string_view arguments) {
    if (name == "max_execution_time") return limits(arguments);
    return std::ranges::binary_search(kPlanHints, name);
  }

  // Nought means no limit at all.
  static bool limits(std::string_view arguments) {
    while (!arguments.empty() && is_blank(arguments.front())) arguments.remove_prefix(1);
    while (!arguments.empty() && is_blank(arguments.back())) arguments.remove_suffix(1);
    unsigned ms = 0;
    const auto [end, error] = std::from_chars(arguments.data(), arguments.data() + arguments.size(), ms);
    return error == std::errc{} && end == arguments.data() + arguments.size() && ms > 0 && ms <= kExecutionMsMax;
  }

  std::string_view rest_;
};

}  // namespace

std::optional<Refusal> refuse_hint(std::string_view hint, std::size_t at) {
  const auto unknown = Hints{hint}.first_unknown();
  if (unknown.empty()) return std::nullopt;
  if (unknown == "max_execution_time")
    return Refusal{Layer::tokens, Code::write_operation_rejected, at,
                   "the hint MAX_EXECUTION_TIME lifts the time limit", "It takes milliseconds, from 1 to 3600000."};
  return Refusal{Layer::tokens, Code::write_operation_rejected, at,
                 "'" + std::string{shortened(unknown)} + "' is no hint that is known to choose a plan and nothing else",
                 "Leave it out."};
}

bool chooses_index(std::string_view hint) {
  const auto words = fold(hint);
  return words.find("index") != words.npos || words.find("scan") != words.npos;
}

}  // namespace vmc::sql::mysql
