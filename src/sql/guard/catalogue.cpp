#include "sql/guard/catalogue.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/text.hpp"
#include "sql/guard/mssql/names.hpp"
#include "sql/guard/mysql/names.hpp"
#include "sql/guard/token.hpp"

namespace vmc::sql {
namespace {

// What two names have in common that a server may take for one another. One too many is better than one too few.
std::string likeness(Dialect dialect, std::string_view name) {
  if (dialect == Dialect::mysql || dialect == Dialect::mssql) return mssql::skeleton(folded(dialect, name), dialect == Dialect::mssql);
  return lowered(name);
}

// "shop.\"Grade\"(3)[]" -> "Grade".
std::string bare_type(std::string_view type) {
  type = type.substr(0, type.find_first_of("(["));
  if (const auto dot = type.rfind('.'); dot != type.npos) type.remove_prefix(dot + 1);
  if (type.size() > 2 && type.front() == '"' && type.back() == '"') type = type.substr(1, type.size() - 2);
  return std::string{type};
}

}  // namespace

std::string folded(Dialect dialect, std::string_view name) {
  if (dialect == Dialect::mysql) return mysql::fold(name);
  if (dialect == Dialect::mssql) return mssql::fold(name);
  return lowered(name);
}

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

Catalogue Catalogue::make(Dialect dialect, const data::Schema* schema, data::Parts private_parts, std::string_view database) {
  Catalogue made;
  made.dialect_ = dialect;
  made.database_ = folded(dialect, database);
  made.closed_ = schema != nullptr;
  made.has_private_ = !private_parts.empty();
  made.ignores_case_ = schema ? schema->ignores_case : private_parts.empty();
  std::map<std::string, std::string> first_spellings;
  const auto name_of = [&](const std::string& name) { return dialect == Dialect::postgres ? name : folded(dialect, name); };
  if (schema) {
    for (const auto& table : schema->tables) {
      Table known{.name = table.name, .columns = std::set<std::string>{}, .private_columns = {}};
      known.view = table.view;
      for (const auto& column : table.columns) {
        const auto name = name_of(column.name);
        if (name != column.name) known.spellings[name] = column.name;
        known.columns->insert(name);
        const auto [at, is_new] = first_spellings.try_emplace(name, column.name);
        if (dialect == Dialect::mssql && !is_new && !is_one_name(at->second, column.name, made.ignores_case_))
          made.two_spellings_.insert(name);
        if (!column.sql_type.empty()) made.types_.insert(bare_type(column.sql_type));
      }
      for (const auto& column : table.primary_key) known.key.push_back(name_of(column));
      made.tables_[name_of(table.name)] = std::move(known);
    }
  }
  std::multimap<std::string, Table*> alike;
  if (schema)
    for (auto& [key, known] : made.tables_) alike.emplace(likeness(dialect, key), &known);
  const auto prefix = std::string{default_schema(dialect)} + ".";
  for (const auto& [name, columns] : private_parts) {
    const auto table = name.starts_with(prefix) && prefix.size() > 1 ? name.substr(prefix.size()) : name;
    if (!schema) {
      auto& known = made.tables_[folded(dialect, table)];
      known.name = table;
      alike.emplace(likeness(dialect, table), &known);
    }
    const auto [first, last] = alike.equal_range(likeness(dialect, table));
    for (auto it = first; it != last; ++it) {
      it->second->all_private = it->second->all_private || columns.contains("*");
      for (const auto& column : columns)
        if (column != "*") it->second->private_columns.insert(likeness(dialect, column));
      it->second->private_moments = !schema;
    }
  }
  if (!schema) return made;
  made.hide_derived(*schema);
  for (const auto& table : schema->tables)
    for (const auto& column : table.columns) {
      auto& known = made.tables_[name_of(table.name)];
      const bool moment = data::to_string(column.type).starts_with("timestamp");
      known.private_moments = known.private_moments || (moment && made.is_private(known, name_of(column.name)));
      // Beside a regclass or regtype the server makes names of numbers and texts, and of any table.
      if (dialect == Dialect::postgres && made.has_private_ && bare_type(column.sql_type).starts_with("reg"))
        known.private_columns.insert(likeness(dialect, column.name));
    }
  return made;
}

void Catalogue::hide_derived(const data::Schema& schema) {
  data::Parts parts;
  for (const auto& [key, table] : tables_) {
    if (table.all_private) parts[lowered(table.name)].insert("*");
    for (const auto& column : *table.columns)
      if (is_private(table, column)) parts[lowered(table.name)].insert(lowered(table.spelled(column)));
  }
  if (parts.empty()) return;
  data::add_derived(schema, parts);
  for (auto& [key, table] : tables_) {
    for (const auto& column : *table.columns)
      if (data::has_part(parts, table.name, table.spelled(column)))
        table.private_columns.insert(likeness(dialect_, column));
    const auto hidden = [&, &table = table](const auto& column) { return is_private(table, column); };
    const bool nothing_left =
        !table.columns->empty() && std::all_of(table.columns->begin(), table.columns->end(), hidden);
    table.all_private = table.all_private || nothing_left || data::has_part(parts, table.name, "*");
  }
}

bool Catalogue::is_private(const Table& table, const std::string& column) const {
  return table.all_private || table.private_columns.contains(likeness(dialect_, column));
}

const Catalogue::Table* Catalogue::find(const Path& given) const {
  Path path = given;
  // The connection's own database may be named.
  const std::size_t most = dialect_ == Dialect::mysql ? 1 : 2;
  const bool any_database = !closed_ && database_.empty();
  if (path.size() == most + 1 && (any_database || (!database_.empty() && folded(dialect_, path.front()) == database_)))
    path.erase(path.begin());
  if (path.empty() || path.size() > 2) return nullptr;
  if (qualified_ && path.size() < 2) return nullptr;
  if (path.size() == 2 && (path[0].empty() || path[0] == default_schema(dialect_))) path.erase(path.begin());
  // A schema names a table with a dot of its own with its schema.
  const bool dotted = path.size() == 1 && path[0].find('.') != std::string::npos;
  auto key = path.size() == 2 ? path[0] + "." + path[1]
             : dotted         ? std::string{default_schema(dialect_)} + "." + path[0]
                              : path[0];
  if (dialect_ != Dialect::postgres || !closed_) key = folded(dialect_, key);
  const auto found = tables_.find(key);
  if (found != tables_.end()) return &found->second;
  return closed_ ? nullptr : &unknown_;
}

}  // namespace vmc::sql
