// An intent: what to read, as data. The agent renders it in the connection's dialect with every value bound,
// so that there is no text to inject into.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "data/value.hpp"

namespace vmc::data {

struct Filter {
  enum class Op { all, any, negate, eq, ne, lt, le, gt, ge, in, is_null, is_not_null, like };
  Op op = Op::all;
  std::string column;               // leaves
  std::vector<Value> values;        // leaves: one value, or the list of `in`
  std::vector<Filter> children;     // all, any, negate
  bool operator==(const Filter&) const = default;
};

// Rows whose (columns) lie in (after, up_to], compared as a tuple in the database's own order.
struct KeyRange {
  std::vector<std::string> columns;
  std::vector<Value> after;         // exclusive; empty: from the start
  std::vector<Value> up_to;         // inclusive; empty: to the end
  bool operator==(const KeyRange&) const = default;
};

struct Order {
  std::string column;
  bool descending = false;
  bool operator==(const Order&) const = default;
};

struct Intent {
  std::string table;
  std::vector<std::string> columns; // in this order; never empty
  std::optional<Filter> filter;
  std::vector<KeyRange> ranges;     // all of them must hold: the cursor window and the part
  std::vector<Order> order;
  std::optional<std::int64_t> limit;
  bool operator==(const Intent&) const = default;
};

inline constexpr std::size_t kFilterDepthMax = 16;
inline constexpr std::size_t kFilterNodesMax = 1000;

Json to_json(const Intent& intent);
Result<Intent> intent_from_json(const Json& json);   // COMMAND_MALFORMED names the field
Json to_json(const KeyRange& range);
Result<KeyRange> range_from_json(const Json& json);

// Every column the intent touches, in any role.
std::vector<std::string> columns_touched(const Intent& intent);

}  // namespace vmc::data
