#include "data/schema_diff.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/text.hpp"

namespace vmc::data {
namespace {

using How = SchemaChange::Kind;

std::string_view noun(const TableInfo& table) { return table.view ? "view" : "table"; }

std::string type_text(const ColumnInfo& column) {
  const auto type = to_string(column.type);
  return column.sql_type.empty() ? std::string{type} : fmt::format("{} ({})", column.sql_type, type);
}

std::string in_words(const Reads& reads) {
  std::vector<std::string> parts;
  for (const auto& [table, columns] : reads)
    parts.push_back(table == "*" ? "anything" : fmt::format("{}({})", table, fmt::join(columns, ", ")));
  return parts.empty() ? "nothing" : join(parts, ", ");
}

std::string in_words(const std::vector<std::string>& key) {
  return key.empty() ? "none" : fmt::format("({})", fmt::join(key, ", "));
}

class Comparison {
 public:
  std::vector<SchemaChange> run(const Schema& before, const Schema& after) {
    auto old = before.tables.begin();
    for (const auto& table : after.tables) {
      for (; old != before.tables.end() && old->name < table.name; ++old) removed(*old);
      if (old != before.tables.end() && old->name == table.name)
        compare(*old++, table);
      else
        added(table);
    }
    for (; old != before.tables.end(); ++old) removed(*old);
    if (before.ignores_case != after.ignores_case)
      add(How::changed, "", "", after.ignores_case ? "capitals do not count" : "capitals count");
    return std::move(changes_);
  }

 private:
  void add(How kind, std::string table, std::string column, std::string what) {
    changes_.push_back({kind, std::move(table), std::move(column), std::move(what)});
  }
  void removed(const TableInfo& table) { add(How::removed, table.name, "", std::string{noun(table)}); }
  void added(const TableInfo& table) {
    add(How::added, table.name, "",
        table.view ? fmt::format("view of {} columns, reads {}", table.columns.size(), in_words(table.reads))
                   : fmt::format("table of {} columns", table.columns.size()));
  }

  void compare(const TableInfo& before, const TableInfo& after) {
    const auto& name = after.name;
    if (before.view != after.view) add(How::changed, name, "", fmt::format("{} -> {}", noun(before), noun(after)));
    if (before.reads != after.reads)
      add(How::changed, name, "", fmt::format("reads {} -> {}", in_words(before.reads), in_words(after.reads)));
    else if (before.definition != after.definition)
      add(How::changed, name, "", "definition");
    if (before.primary_key != after.primary_key)
      add(How::changed, name, "",
          fmt::format("primary key {} -> {}", in_words(before.primary_key), in_words(after.primary_key)));
    if (before.unique_keys != after.unique_keys) add(How::changed, name, "", "unique keys");
    if (before.foreign_keys != after.foreign_keys) add(How::changed, name, "", "references to other tables");
    for (const auto& column : before.columns)
      if (!after.column(column.name)) add(How::removed, name, column.name, "");
    for (const auto& column : after.columns) {
      if (const auto* old = before.column(column.name))
        compare(name, *old, column);
      else
        add(How::added, name, column.name, type_text(column));
    }
    if (names(before) != names(after) && same_set(before, after)) add(How::changed, name, "", "order of columns");
  }

  static std::vector<std::string> names(const TableInfo& table) {
    std::vector<std::string> out;
    for (const auto& column : table.columns) out.push_back(column.name);
    return out;
  }
  static bool same_set(const TableInfo& before, const TableInfo& after) {
    auto one = names(before), other = names(after);
    std::sort(one.begin(), one.end());
    std::sort(other.begin(), other.end());
    return one == other;
  }

  void compare(const std::string& table, const ColumnInfo& before, const ColumnInfo& after) {
    if (before.type != after.type || before.sql_type != after.sql_type)
      add(How::changed, table, after.name, fmt::format("type {} -> {}", type_text(before), type_text(after)));
    if (before.nullable != after.nullable)
      add(How::changed, table, after.name, after.nullable ? "may be null now" : "is never null now");
    if (before.reads != after.reads) add(How::changed, table, after.name, "what it is computed from");
    // Defaults and values of enumerations may be personal data: that they differ is enough here.
    if (before.default_value != after.default_value) add(How::changed, table, after.name, "default value");
    if (before.enum_values != after.enum_values) add(How::changed, table, after.name, "values of the enumeration");
  }

  std::vector<SchemaChange> changes_;
};

void sort(Schema& schema) {
  std::sort(schema.tables.begin(), schema.tables.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
}

// In the order of the live table, so that a star over it goes on.
void add_columns(TableInfo& table, const TableInfo& live, const std::function<bool(const std::string&)>& is_private) {
  std::vector<ColumnInfo> columns;
  for (const auto& column : live.columns) {
    if (const auto* known = table.column(column.name))
      columns.push_back(*known);
    else if (column.reads.empty() && !is_private(live.name + "." + column.name))
      columns.push_back(column);
  }
  for (const auto& column : table.columns)
    if (!live.column(column.name)) columns.push_back(column);
  const auto additions = columns.size() - table.columns.size();
  if (additions > 0) table.columns = std::move(columns);
}

void drop_keys_over_missing(TableInfo& table) {
  const auto lacks = [&](const std::vector<std::string>& key) {
    return std::any_of(key.begin(), key.end(), [&](const auto& name) { return !table.column(name); });
  };
  if (lacks(table.primary_key)) table.primary_key.clear();
  std::erase_if(table.unique_keys, lacks);
  std::erase_if(table.foreign_keys, [&](const ForeignKey& key) { return lacks(key.columns); });
}

bool reads_only(const TableInfo& view, const Schema& schema) {
  return !view.reads.empty() && std::all_of(view.reads.begin(), view.reads.end(), [&](const auto& read) {
    const auto* table = schema.table(read.first);
    return table && std::all_of(read.second.begin(), read.second.end(),
                                [&](const auto& column) { return column != "*" && table->column(column); });
  });
}

}  // namespace

std::vector<SchemaChange> changes_between(const Schema& before, const Schema& after) {
  return Comparison{}.run(before, after);
}

std::string describe(const SchemaChange& change) {
  const auto sign = change.kind == How::added ? "+" : change.kind == How::removed ? "-" : "~";
  const auto name = change.table.empty()    ? "names"
                    : change.column.empty() ? change.table
                                            : fmt::format("{}.{}", change.table, change.column);
  return change.what.empty() ? fmt::format("{} {}", sign, name) : fmt::format("{} {}: {}", sign, name, change.what);
}

Json to_json(const SchemaChange& change) {
  Json json{{"change", change.kind == How::added     ? "added"
                       : change.kind == How::removed ? "removed"
                                                     : "changed"}};
  if (!change.table.empty()) json["table"] = change.table;
  if (!change.column.empty()) json["column"] = change.column;
  if (!change.what.empty()) json["what"] = change.what;
  return json;
}

Schema with_additions(const Schema& before, const Schema& after,
                      const std::function<bool(const std::string&)>& is_private) {
  Schema merged = before;
  for (const auto& live : after.tables) {
    if (live.view || is_private(live.name)) continue;
    const auto known = std::find_if(merged.tables.begin(), merged.tables.end(),
                                    [&](const auto& table) { return table.name == live.name; });
    if (known != merged.tables.end()) {
      if (!known->view) add_columns(*known, live, is_private);
      continue;
    }
    if (!live.reads.empty()) continue;
    TableInfo added = live;
    std::erase_if(added.columns, [&](const auto& column) {
      return !column.reads.empty() || is_private(live.name + "." + column.name);
    });
    drop_keys_over_missing(added);
    if (!added.columns.empty()) merged.tables.push_back(std::move(added));
  }
  sort(merged);
  for (bool grown = true; grown;) {
    grown = false;
    for (const auto& live : after.tables) {
      if (!live.view || merged.table(live.name) || is_private(live.name) || !reads_only(live, merged)) continue;
      TableInfo added = live;
      merged.tables.push_back(std::move(added));
      sort(merged);
      grown = true;
    }
  }
  return merged;
}

}  // namespace vmc::data
