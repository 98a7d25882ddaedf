// What stands behind the query: FOR and OPTION.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sql/guard/catalogue.hpp"
#include "sql/guard/mssql/lexer.hpp"
#include "sql/guard/mssql/parser.hpp"

namespace vmc::sql::mssql {
namespace {

// The documented ones, less what collects figures for sessions that watch.
constexpr auto kUseHints = std::to_array<std::string_view>({
    "assume_full_independence_for_filter_estimates", "assume_join_predicate_depends_on_filters",
    "assume_min_selectivity_for_filter_estimates", "assume_partial_correlation_for_filter_estimates",
    "disable_batch_mode_adaptive_joins", "disable_batch_mode_memory_grant_feedback",
    "disable_deferred_compilation_tv", "disable_interleaved_execution_tvf", "disable_optimized_nested_loop",
    "disable_optimizer_rowgoal", "disable_parameter_sniffing", "disable_row_mode_memory_grant_feedback",
    "disable_tsql_scalar_udf_inlining", "disallow_batch_mode", "enable_hist_amendment_for_asc_keys",
    "enable_query_optimizer_hotfixes", "force_default_cardinality_estimation", "force_legacy_cardinality_estimation",
    "query_optimizer_compatibility_level_100", "query_optimizer_compatibility_level_110",
    "query_optimizer_compatibility_level_120", "query_optimizer_compatibility_level_130",
    "query_optimizer_compatibility_level_140", "query_optimizer_compatibility_level_150",
    "query_optimizer_compatibility_level_160",
});
static_assert(std::is_sorted(kUseHints.begin(), kUseHints.end()));

struct Pair {
  std::string_view first, second;
};
constexpr auto kTwoWordHints = std::to_array<Pair>({
    {"hash", "group"}, {"order", "group"}, {"concat", "union"}, {"hash", "union"}, {"merge", "union"},
    {"hash", "join"}, {"loop", "join"}, {"merge", "join"}, {"force", "order"}, {"keep", "plan"}, {"keepfixed", "plan"},
    {"robust", "plan"}, {"expand", "views"},
});

}  // namespace

// True when there is one.
bool Parser::for_clause() {
  const auto& token = peek();
  if (!accept_word("for")) return false;
  if (accept_word("xml")) for_xml();
  else if (accept_word("json")) for_json();
  else if (is_word("browse"))
    refuse(token, "FOR BROWSE adds the key columns of every table", "Select the columns that are needed.");
  else if (is_any({"update", "read", "share"}))
    refuse(token, "FOR UPDATE and FOR READ ONLY belong to cursors", "Leave the clause out.");
  else not_understood();
  return true;
}

void Parser::for_xml() {
  const auto accept_name = [this] {
    if (!accept("(")) return;
    expect_string();
    expect(")");
  };
  if (accept_any({"raw", "path"})) accept_name();
  else expect_any({"auto", "explicit"});
  while (accept(",")) {
    if (accept_any({"root", "xmlschema"})) accept_name();
    else if (accept_word("elements")) accept_any({"xsinil", "absent"});
    else if (!accept_words({"binary", "base64"})) expect_any({"type", "xmldata"});
  }
}

void Parser::for_json() {
  expect_any({"path", "auto"});
  while (accept(",")) {
    if (accept_word("root")) {
      if (!accept("(")) continue;
      expect_string();
      expect(")");
    } else {
      expect_any({"include_null_values", "without_array_wrapper"});
    }
  }
}

// True when there is one.
bool Parser::option_clause(Query& query) {
  if (!accept_word("option")) return false;
  expect("(");
  do query_hint(query);
  while (accept(","));
  expect(")");
  return true;
}

// Left out: trace flags, plans in the text, a share of the server's memory, and what other platforms know.
void Parser::query_hint(Query& query) {
  for (const auto& [first, second] : kTwoWordHints)
    if (accept_words({first, second})) return;
  if (accept_any({"recompile", "no_performance_spool", "ignore_nonclustered_columnstore_index",
                  "disable_optimized_plan_forcing"}))
    return;
  if (accept_any({"maxdop", "maxrecursion", "fast"})) return expect_number();
  if (accept_word("max_grant_percent")) {
    expect("=");
    return expect_number();
  }
  if (accept_words({"optimize", "for"})) return optimize_for();
  if (accept_words({"use", "hint"})) return use_hints();
  if (accept_words({"table", "hint"})) {
    expect("(");
    const auto& token = peek();
    const auto named = path();
    index_chosen_ = false;
    while (accept(",")) table_hint();
    if (index_chosen_ && declared_[named.back()] > 1)
      refuse(token, fmt::format("several tables here are called '{}', and the index may be one of any of them", named.back()),
             "Put the hint behind the table itself: WITH (INDEX (...)).", Layer::names, Code::schema_access_denied);
    if (index_chosen_) query.order_by.push_back({.kind = Use::Kind::star, .path = named, .at = token.at, .query = {}});
    return expect(")");
  }
  refuse(peek(), fmt::format("the query hint '{}' is not known as harmless", peek().text), "Leave it out.");
}

void Parser::optimize_for() {
  if (accept_word("unknown")) return;
  expect("(");
  do {
    if (peek().kind != Token::Kind::parameter) return not_understood();
    take();
    if (accept_word("unknown")) continue;
    expect("=");
    accept("-");
    if (!accept_word("null")) expect_constant();
  } while (accept(","));
  expect(")");
}

void Parser::use_hints() {
  expect("(");
  do {
    const auto& token = peek();
    expect_string();
    if (refused()) return;
    if (!std::binary_search(kUseHints.begin(), kUseHints.end(), folded(Dialect::mssql, value_of(token))))
      refuse(token, "this hint is not known as harmless", "Leave it out.");
  } while (accept(","));
  expect(")");
}

}  // namespace vmc::sql::mssql
