#include "sql/guard/catalogue.hpp"

#include <fmt/format.h>

#include "core/text.hpp"

namespace vmc::sql {
namespace {

std::string lower(std::string_view name) {
  std::string low{name};
  for (char& c : low)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return low;
}

// "customers.email", "archive.orders.total", "salaries.*": the table as a schema calls it, and the column or "*".
Result<std::pair<std::string, std::string>> private_part(const std::string& text) {
  const auto dot = text.rfind('.');
  if (dot == std::string::npos || dot == 0 || dot + 1 == text.size())
    return fail(Code::invalid_request, fmt::format("'{}' is neither TABLE.COLUMN nor TABLE.*", text));
  return std::pair{lower(text.substr(0, dot)), lower(text.substr(dot + 1))};
}

}  // namespace

std::string folded(Dialect, std::string_view name) { return lower(name); }

std::string_view default_schema(Dialect dialect) {
  switch (dialect) {
    case Dialect::sqlite:
      return "main";
    case Dialect::postgres:
      return "public";
    case Dialect::mssql:
      return "dbo";
    case Dialect::mysql:
      return "";
  }
  return "";
}

// Private names count in any case, everywhere: one too many is better than one too few.
Result<Catalogue> Catalogue::make(Dialect dialect, const data::Schema* schema,
                                  const std::vector<std::string>& private_parts, std::string_view database) {
  Catalogue made;
  made.dialect_ = dialect;
  made.database_ = lower(database);
  made.closed_ = schema != nullptr;
  made.has_private_ = !private_parts.empty();
  if (schema) {
    for (const auto& table : schema->tables) {
      Table known{.name = table.name, .columns = std::set<std::string>{}, .private_columns = {}, .all_private = false};
      for (const auto& column : table.columns)
        known.columns->insert(dialect == Dialect::postgres ? column.name : lower(column.name));
      made.tables_[dialect == Dialect::postgres ? table.name : lower(table.name)] = std::move(known);
    }
  }
  for (const auto& part : private_parts) {
    VMC_TRY(named, private_part(part));
    const auto& [table, column] = named;
    bool found = false;
    for (auto& [key, known] : made.tables_) {
      if (lower(key) != table) continue;
      found = true;
      made.hide(known, column);
    }
    if (found || made.closed_) continue;
    auto& hidden = made.tables_[table];
    hidden.name = table;
    made.hide(hidden, column);
  }
  return made;
}

void Catalogue::hide(Table& table, const std::string& column) {
  if (column == "*") {
    table.all_private = true;
    return;
  }
  table.private_columns.insert(column);
  if (!table.columns) return;
  for (const auto& known : *table.columns)
    if (lower(known) == column) table.private_columns.insert(known);
}

const Catalogue::Table* Catalogue::find(const Path& given) const {
  Path path = given;
  // The connection's own database may be named.
  const std::size_t most = dialect_ == Dialect::mysql ? 1 : 2;
  if (path.size() == most + 1 && !database_.empty() && lower(path.front()) == database_) path.erase(path.begin());
  if (path.empty() || path.size() > 2) return nullptr;
  if (path.size() == 2 && (path[0].empty() || path[0] == default_schema(dialect_))) path.erase(path.begin());
  // A schema names a table with a dot of its own with its schema.
  const bool dotted = path.size() == 1 && path[0].find('.') != std::string::npos;
  auto key = path.size() == 2 ? path[0] + "." + path[1]
             : dotted         ? std::string{default_schema(dialect_)} + "." + path[0]
                              : path[0];
  if (dialect_ != Dialect::postgres || !closed_) key = lower(key);
  const auto found = tables_.find(key);
  if (found != tables_.end()) return &found->second;
  return closed_ ? nullptr : &unknown_;
}

}  // namespace vmc::sql
