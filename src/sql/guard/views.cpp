#include "sql/guard/views.hpp"

#include <algorithm>

#include "sql/guard/guard.hpp"

namespace vmc::sql {

Result<void> fill_reads(Dialect dialect, data::Schema& schema, const std::map<std::string, std::string>& definitions) {
  const auto is_view = [](const data::TableInfo& table) { return table.view; };
  if (std::none_of(schema.tables.begin(), schema.tables.end(), is_view)) return {};
  VMC_TRY(guard, make_guard(dialect, {Catalogue::make(dialect, &schema, {}, schema.database), {}}));
  for (auto& table : schema.tables) {
    if (!table.view) continue;
    const auto definition = definitions.find(table.name);
    auto verdict = definition == definitions.end() ? Verdict{} : guard->judge(definition->second);
    const bool known = definition != definitions.end() && verdict.accepted();
    table.reads = known ? std::move(verdict.reads) : data::Reads{{"*", {"*"}}};
  }
  return {};
}

}  // namespace vmc::sql
