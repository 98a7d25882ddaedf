// What is different between two schemas of one database, in words its owner reads before approving.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "data/schema.hpp"

namespace vmc::data {

struct SchemaChange {
  enum class Kind { added, removed, changed };
  Kind kind = Kind::changed;
  std::string table = {};   // empty: all names
  std::string column = {};  // empty: the table itself
  std::string what = {};    // "type int64 -> text", "3 columns"
  bool operator==(const SchemaChange&) const = default;
};

// By table, a table before its columns. Row counts are no part of it.
std::vector<SchemaChange> changes_between(const Schema& before, const Schema& after);
std::string describe(const SchemaChange& change);  // "+ column orders.note: text"
Json to_json(const SchemaChange& change);

// `before`, with the tables, columns of tables, and views over nothing else, that only `after` has; without those whose
// name ("table", "table.column") is private, and without tables and columns that show what others hold.
Schema with_additions(const Schema& before, const Schema& after,
                      const std::function<bool(const std::string&)>& is_private);

}  // namespace vmc::data
