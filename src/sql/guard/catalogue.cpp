#include "sql/guard/catalogue.hpp"

#include <fmt/format.h>

#include "core/text.hpp"

namespace vmc::sql {

std::string folded(Dialect, std::string_view name) { return lowered(name); }

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

Result<data::Parts> parts_in(const std::vector<std::string>& names) {
  data::Parts parts;
  for (const auto& name : names) {
    const auto dot = name.rfind('.');
    if (dot == std::string::npos || dot == 0 || dot + 1 == name.size())
      return fail(Code::invalid_request, fmt::format("'{}' is neither TABLE.COLUMN nor TABLE.*", name));
    parts[lowered(name.substr(0, dot))].insert(lowered(name.substr(dot + 1)));
  }
  return parts;
}

// Private names count in any case, everywhere: one too many is better than one too few.
Catalogue Catalogue::make(Dialect dialect, const data::Schema* schema, data::Parts private_parts, std::string_view database) {
  Catalogue made;
  made.dialect_ = dialect;
  made.database_ = lowered(database);
  made.closed_ = schema != nullptr;
  made.has_private_ = !private_parts.empty();
  if (schema) {
    for (const auto& table : schema->tables) {
      Table known{.name = table.name, .columns = std::set<std::string>{}, .private_columns = {}};
      for (const auto& column : table.columns)
        known.columns->insert(dialect == Dialect::postgres ? column.name : lowered(column.name));
      for (const auto& column : table.primary_key)
        known.key.push_back(dialect == Dialect::postgres ? column : lowered(column));
      made.tables_[dialect == Dialect::postgres ? table.name : lowered(table.name)] = std::move(known);
    }
  }
  if (schema) data::add_views_over(*schema, private_parts);
  const auto prefix = std::string{default_schema(dialect)} + ".";
  for (const auto& [name, columns] : private_parts) {
    const auto table = name.starts_with(prefix) && prefix.size() > 1 ? name.substr(prefix.size()) : name;
    if (!made.closed_) made.tables_[table].name = table;
    for (auto& [key, known] : made.tables_)
      if (lowered(key) == table)
        for (const auto& column : columns) made.hide(known, column);
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
    if (lowered(known) == column) table.private_columns.insert(known);
}

const Catalogue::Table* Catalogue::find(const Path& given) const {
  Path path = given;
  // The connection's own database may be named.
  const std::size_t most = dialect_ == Dialect::mysql ? 1 : 2;
  if (path.size() == most + 1 && !database_.empty() && lowered(path.front()) == database_) path.erase(path.begin());
  if (path.empty() || path.size() > 2) return nullptr;
  if (path.size() == 2 && (path[0].empty() || path[0] == default_schema(dialect_))) path.erase(path.begin());
  // A schema names a table with a dot of its own with its schema.
  const bool dotted = path.size() == 1 && path[0].find('.') != std::string::npos;
  auto key = path.size() == 2 ? path[0] + "." + path[1]
             : dotted         ? std::string{default_schema(dialect_)} + "." + path[0]
                              : path[0];
  if (dialect_ != Dialect::postgres || !closed_) key = lowered(key);
  const auto found = tables_.find(key);
  if (found != tables_.end()) return &found->second;
  return closed_ ? nullptr : &unknown_;
}

}  // namespace vmc::sql
