#include "agent/privacy.hpp"

#include <algorithm>
#include <cctype>

#include "core/text.hpp"

namespace vmc::agent {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// Does the text name one of the parts, a column of this table or any table, as a word of its own or before a "_"?
bool names_part(const std::string& text, const data::TableInfo& table, const data::Parts& parts) {
  const auto is_letter = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || static_cast<unsigned char>(c) >= 0x80;
  };
  const auto names = [&, lower = lowered(text)](const std::string& name) {
    for (auto at = lower.find(name); at != lower.npos; at = lower.find(name, at + 1)) {
      const auto end = at + name.size();
      if ((at == 0 || !is_letter(lower[at - 1])) && (end == lower.size() || !is_letter(lower[end]))) return true;
    }
    return false;
  };
  const auto of_table = parts.find(lowered(table.name));
  if (of_table != parts.end() && std::any_of(of_table->second.begin(), of_table->second.end(), names)) return true;
  return std::any_of(parts.begin(), parts.end(),
                     [&](const auto& part) { return part.second.contains("*") && names(part.first); });
}

}  // namespace

bool matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0, n = 0, star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && lower(pattern[p]) == lower(name[n])) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool matches_any(const std::vector<std::string>& patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const auto& pattern) { return matches(pattern, name); });
}

data::Parts hidden_parts(const data::Schema& schema, const std::vector<std::string>& private_names) {
  data::Parts parts;
  for (const auto& table : schema.tables) {
    if (matches_any(private_names, table.name)) parts[lowered(table.name)].insert("*");
    for (const auto& column : table.columns)
      if (matches_any(private_names, table.name + "." + column.name))
        parts[lowered(table.name)].insert(lowered(column.name));
  }
  data::add_derived(schema, parts);
  return parts;
}

data::Schema visible(const data::Schema& schema, const std::vector<std::string>& private_names) {
  const auto parts = hidden_parts(schema, private_names);
  data::Schema shown;
  for (const auto& table : schema.tables) {
    const auto hides = [&](const std::string& owner, const std::vector<std::string>& columns) {
      return std::any_of(columns.begin(), columns.end(),
                         [&](const auto& column) { return data::has_part(parts, owner, column); });
    };
    data::TableInfo left = table;
    left.reads.clear();
    left.definition.clear();
    for (auto& column : left.columns) {
      column.reads.clear();
      if (column.default_value && names_part(*column.default_value, table, parts)) column.default_value.reset();
    }
    std::erase_if(left.columns, [&](const auto& column) { return data::has_part(parts, table.name, column.name); });
    if (left.columns.empty()) continue;
    if (hides(table.name, left.primary_key)) left.primary_key.clear();
    std::erase_if(left.unique_keys, [&](const auto& key) { return hides(table.name, key); });
    std::erase_if(left.foreign_keys, [&](const data::ForeignKey& key) {
      return hides(table.name, key.columns) || hides(key.table, key.referenced) || data::has_part(parts, key.table, "*");
    });
    shown.tables.push_back(std::move(left));
  }
  return shown;
}

data::Schema shared(const data::Schema& schema, const ConnectionSettings& connection) {
  auto out = visible(schema, connection.private_names);
  const auto leaves_out = [&](std::string_view word) {
    return std::find(connection.leave_out.begin(), connection.leave_out.end(), word) != connection.leave_out.end();
  };
  const bool defaults = leaves_out(kDefaults), enum_values = leaves_out(kEnumValues);
  for (auto& table : out.tables)
    for (auto& column : table.columns) {
      if (defaults) column.default_value.reset();
      if (!enum_values || column.enum_values.empty()) continue;
      column.enum_values.clear();
      column.sql_type = column.sql_type.substr(0, column.sql_type.find('('));  // MySQL's lists them
    }
  return out;
}

}  // namespace vmc::agent
