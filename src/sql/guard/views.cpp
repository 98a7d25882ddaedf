#include "sql/guard/views.hpp"

#include <algorithm>

#include "sql/guard/guard.hpp"

namespace vmc::sql {
namespace {

const data::Reads kAnything{{"*", {"*"}}};

data::Reads reads_of(const Guard& guard, const std::string& statement) {
  auto verdict = guard.judge(statement);
  return verdict.accepted() ? std::move(verdict.reads) : kAnything;
}

Catalogue whole(Dialect dialect, const data::Schema& schema) {
  return Catalogue::make(dialect, &schema, {}, schema.database);
}

}  // namespace

Result<void> fill_reads(Dialect dialect, data::Schema& schema, const std::map<std::string, std::string>& definitions) {
  const auto is_view = [](const data::TableInfo& table) { return table.view; };
  if (std::none_of(schema.tables.begin(), schema.tables.end(), is_view)) return {};
  VMC_TRY(guard, make_guard(dialect, {whole(dialect, schema), {}}));
  auto catalogue = whole(dialect, schema);
  catalogue.take_qualified_only();
  VMC_TRY(elsewhere, make_guard(dialect, {std::move(catalogue), {}}));
  for (auto& table : schema.tables) {
    if (!table.view) continue;
    const auto definition = definitions.find(table.name);
    // SQL Server looks for a bare name in the view's own schema first, where a table may stand that is not shown here.
    const bool bare_names = dialect != Dialect::mssql || table.name.find('.') == table.name.npos;
    table.reads =
        definition == definitions.end() ? kAnything : reads_of(bare_names ? *guard : *elsewhere, definition->second);
  }
  return {};
}

Result<void> fill_computed(Dialect dialect, data::Schema& schema, const Computed& computed) {
  if (computed.empty()) return {};
  VMC_TRY(guard, make_guard(dialect, {whole(dialect, schema), {}}));
  for (auto& table : schema.tables) {
    const auto found = computed.find(table.name);
    if (found == computed.end()) continue;
    VMC_TRY(name, quote_table(dialect, table.name));
    for (auto& column : table.columns)
      if (const auto expression = found->second.find(column.name); expression != found->second.end())
        for (auto& [read, columns] : reads_of(*guard, "SELECT (" + expression->second + ") FROM " + name))
          column.reads[read].insert(columns.begin(), columns.end());
  }
  return {};
}

}  // namespace vmc::sql
