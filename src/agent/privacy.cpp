#include "agent/privacy.hpp"

#include <algorithm>

namespace vmc::agent {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool any_matches(const std::vector<std::string>& patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const auto& p) { return matches(p, name); });
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

std::vector<std::string> hidden_parts(const data::Schema& schema, const std::vector<std::string>& private_names) {
  std::vector<std::string> parts;
  for (const auto& table : schema.tables) {
    if (any_matches(private_names, table.name)) {
      parts.push_back(table.name + ".*");
      continue;
    }
    for (const auto& column : table.columns)
      if (const auto part = table.name + "." + column.name; any_matches(private_names, part)) parts.push_back(part);
  }
  return parts;
}

data::Schema visible(const data::Schema& schema, const std::vector<std::string>& private_names) {
  data::Schema shown;
  for (const auto& table : schema.tables) {
    if (any_matches(private_names, table.name)) continue;
    auto hidden = [&](const std::string& column) {
      return any_matches(private_names, table.name + "." + column);
    };
    auto any_hidden = [&](const std::vector<std::string>& columns) {
      return std::any_of(columns.begin(), columns.end(), hidden);
    };
    data::TableInfo left = table;
    std::erase_if(left.columns, [&](const auto& column) { return hidden(column.name); });
    if (left.columns.empty()) continue;
    if (any_hidden(left.primary_key)) left.primary_key.clear();
    std::erase_if(left.unique_keys, any_hidden);
    std::erase_if(left.foreign_keys, [&](const data::ForeignKey& key) {
      if (any_hidden(key.columns) || any_matches(private_names, key.table)) return true;
      return std::any_of(key.referenced.begin(), key.referenced.end(), [&](const auto& column) {
        return any_matches(private_names, key.table + "." + column);
      });
    });
    shown.tables.push_back(std::move(left));
  }
  return shown;
}

}  // namespace vmc::agent
