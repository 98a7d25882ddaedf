// What must hold of any text a guard judges: it ends, places are in the text, and what would be sent is accepted again.
// The schema is the corpora's, with private parts. INPUT FORMAT: the statement.
#pragma once

#include <cstdlib>
#include <fstream>

#include "core/json.hpp"
#include "sql/guard/guard.hpp"

namespace vmc::test {

inline std::unique_ptr<sql::Guard> corpus_guard(sql::Dialect dialect, const std::string& name) {
  std::ifstream in{std::string{VMC_SOURCE_DIR} + "/tests/corpora/guard/" + name + "/schema.json"};
  auto schema = data::schema_from_json(Json::parse(in));
  auto parts = sql::parts_in({"customers.email", "salaries.*"});
  if (!schema || !parts) std::abort();
  auto guard = sql::make_guard(dialect, {sql::Catalogue::make(dialect, &*schema, *parts, "shop"), {"vat_of"}});
  if (!guard) std::abort();
  return std::move(*guard);
}

inline int judge(const sql::Guard& guard, const std::uint8_t* input, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(input), size};
  const auto verdict = guard.judge(text);
  if (!verdict.accepted()) {
    if (verdict.refusal->at > size || verdict.refusal->what.empty()) std::abort();
    static_cast<void>(sql::describe(*verdict.refusal, text));
    return 0;
  }
  if (verdict.begin > size || verdict.length > size - verdict.begin) std::abort();
  for (const auto& [table, columns] : verdict.reads)
    if (table == "salaries" || (table == "customers" && columns.contains("email"))) std::abort();
  const auto sent = text.substr(verdict.begin, verdict.length);
  if (!guard.judge(sent).accepted()) std::abort();
  return 0;
}

}  // namespace vmc::test
