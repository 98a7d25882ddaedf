#include "data/intent.hpp"

#include <algorithm>
#include <array>
#include <unordered_set>

#include <fmt/format.h>

#include "data/json_lists.hpp"

namespace vmc::data {
namespace {

constexpr std::size_t kKeyColumnsMax = 32;
constexpr std::size_t kRangesMax = 16;
constexpr std::size_t kOrderMax = 64;

enum class Shape { many, one, comparison, list, bare };  // what stands beside "op"

struct OpInfo {
  Filter::Op op;
  std::string_view name;
  Shape shape;
};

using Op = Filter::Op;
constexpr std::array<OpInfo, 13> kOps{{{Op::all, "all", Shape::many},
                                       {Op::any, "any", Shape::many},
                                       {Op::negate, "not", Shape::one},
                                       {Op::eq, "eq", Shape::comparison},
                                       {Op::ne, "ne", Shape::comparison},
                                       {Op::lt, "lt", Shape::comparison},
                                       {Op::le, "le", Shape::comparison},
                                       {Op::gt, "gt", Shape::comparison},
                                       {Op::ge, "ge", Shape::comparison},
                                       {Op::in, "in", Shape::list},
                                       {Op::is_null, "is_null", Shape::bare},
                                       {Op::is_not_null, "is_not_null", Shape::bare},
                                       {Op::like, "like", Shape::comparison}}};

const OpInfo& info_of(Op op) {
  return *std::find_if(kOps.begin(), kOps.end(), [op](const OpInfo& known) { return known.op == op; });
}

Error malformed(const std::string& path, std::string_view what) {
  return fail(Code::command_malformed, fmt::format("'{}' {}", path, what));
}

Result<Value> read_value(const Json& json, const std::string& path) {
  auto value = value_from_json(json);
  if (!value) return malformed(path, "is no value: " + value.error().message);
  if (is_null(*value)) return malformed(path, "must not be null (use is_null)");
  return value;
}

Result<std::vector<Value>> read_values(const Json& list, const std::string& path) {
  std::vector<Value> values;
  for (const auto& item : list) {
    VMC_TRY(value, read_value(item, path));
    values.push_back(std::move(value));
  }
  return values;
}

class FilterReader {
 public:
  Result<Filter> read(const Json& json, const std::string& path, std::size_t depth) {
    VMC_CHECK(count(path, 1));
    if (depth > kFilterDepthMax)
      return malformed(path, fmt::format("is nested deeper than {}", kFilterDepthMax));
    JsonReader reader{json, path};
    const std::string name = reader.str("op");
    VMC_CHECK(reader.finish());
    const auto known =
        std::find_if(kOps.begin(), kOps.end(), [&](const OpInfo& op) { return op.name == name; });
    if (known == kOps.end()) return malformed(path + ".op", "is not a known operator");
    Filter filter;
    filter.op = known->op;
    VMC_CHECK(known->shape == Shape::many || known->shape == Shape::one
                  ? read_children(reader, path, depth, known->shape, filter)
                  : read_leaf(reader, path, known->shape, filter));
    VMC_CHECK(reader.finish_strict(Code::command_malformed));
    return filter;
  }

 private:
  Result<void> count(const std::string& path, std::size_t nodes) {
    nodes_ += nodes;
    if (nodes_ > kFilterNodesMax)
      return malformed(path, fmt::format("has more than {} parts", kFilterNodesMax));
    return {};
  }

  Result<void> read_children(JsonReader& reader, const std::string& path, std::size_t depth, Shape shape,
                             Filter& filter) {
    if (shape == Shape::one) {
      const Json* child = reader.object("filter");
      VMC_CHECK(reader.finish());
      VMC_TRY(read_child, read(*child, path + ".filter", depth + 1));
      filter.children.push_back(std::move(read_child));
      return {};
    }
    const Json* children = reader.array("filters");
    VMC_CHECK(reader.finish());
    if (children->empty()) return malformed(path + ".filters", "must not be empty");
    for (const auto& child : *children) {
      VMC_TRY(read_child,
              read(child, fmt::format("{}.filters[{}]", path, filter.children.size()), depth + 1));
      filter.children.push_back(std::move(read_child));
    }
    return {};
  }

  Result<void> read_leaf(JsonReader& reader, const std::string& path, Shape shape, Filter& filter) {
    filter.column = reader.str("column");
    VMC_CHECK(reader.finish());
    if (!is_name(filter.column)) return malformed(path + ".column", "is no name");
    if (shape == Shape::list) {
      const Json* list = reader.array("values");
      VMC_CHECK(reader.finish());
      if (list->empty()) return malformed(path + ".values", "must not be empty");
      VMC_CHECK(count(path, list->size()));
      VMC_TRY(values, read_values(*list, path + ".values"));
      filter.values = std::move(values);
    } else if (shape == Shape::comparison) {
      const Json* json = reader.any("value");
      if (!json) return malformed(path + ".value", "is missing or null (use is_null)");
      VMC_TRY(value, read_value(*json, path + ".value"));
      if (filter.op == Op::like && !std::holds_alternative<std::string>(value))
        return malformed(path + ".value", "must be text");
      filter.values.push_back(std::move(value));
    }
    return {};
  }

  std::size_t nodes_ = 0;
};

Json to_json(const Filter& filter) {
  const auto& op = info_of(filter.op);
  Json json{{"op", op.name}};
  switch (op.shape) {
    case Shape::many:
      json["filters"] = Json::array();
      for (const auto& child : filter.children) json["filters"].push_back(to_json(child));
      return json;
    case Shape::one:
      json["filter"] = to_json(filter.children.at(0));
      return json;
    case Shape::comparison:
      json["value"] = to_json(filter.values.at(0));
      break;
    case Shape::list:
      json["values"] = Json::array();
      for (const auto& value : filter.values) json["values"].push_back(to_json(value));
      break;
    case Shape::bare:
      break;
  }
  json["column"] = filter.column;
  return json;
}

Json to_json(const std::vector<Value>& values) {
  Json list = Json::array();
  for (const auto& value : values) list.push_back(to_json(value));
  return list;
}

Result<std::vector<Value>> read_bound(JsonReader& reader, const std::string& path, const char* key,
                                      std::size_t columns) {
  const Json* list = reader.array_or_null(key);
  VMC_CHECK(reader.finish());
  if (!list || list->empty()) return std::vector<Value>{};
  if (list->size() != columns) return malformed(path + "." + key, "must have a value for each column");
  return read_values(*list, path + "." + key);
}

Result<KeyRange> read_range(const Json& json, const std::string& path) {
  JsonReader reader{json, path};
  KeyRange range;
  range.columns = names(reader, "columns", 1, kKeyColumnsMax);
  VMC_CHECK(reader.finish());
  VMC_TRY(after, read_bound(reader, path, "after", range.columns.size()));
  VMC_TRY(up_to, read_bound(reader, path, "upTo", range.columns.size()));
  range.after = std::move(after);
  range.up_to = std::move(up_to);
  VMC_CHECK(reader.finish_strict(Code::command_malformed));
  return range;
}

Result<Order> read_order(const Json& json, const std::string& path) {
  JsonReader reader{json, path};
  Order order;
  order.column = reader.str("column");
  order.descending = reader.boolean_or("descending", false);
  VMC_CHECK(reader.finish_strict(Code::command_malformed));
  if (!is_name(order.column)) return malformed(path + ".column", "is no name");
  return order;
}

// A list of objects, each read by `read`; none when absent.
template <class T, class Read>
Result<std::vector<T>> read_list(JsonReader& reader, const char* key, std::size_t most, Read&& read) {
  const Json* list = reader.array_or_null(key);
  VMC_CHECK(reader.finish());
  std::vector<T> out;
  if (!list) return out;
  if (list->size() > most) return malformed(key, fmt::format("has more than {} entries", most));
  for (const auto& item : *list) {
    VMC_TRY(entry, read(item, fmt::format("{}[{}]", key, out.size())));
    out.push_back(std::move(entry));
  }
  return out;
}

void touch(const Filter& filter, std::vector<std::string>& columns) {
  if (!filter.column.empty()) columns.push_back(filter.column);
  for (const auto& child : filter.children) touch(child, columns);
}

}  // namespace

Json to_json(const KeyRange& range) {
  Json json{{"columns", range.columns}};
  if (!range.after.empty()) json["after"] = to_json(range.after);
  if (!range.up_to.empty()) json["upTo"] = to_json(range.up_to);
  return json;
}

Result<KeyRange> range_from_json(const Json& json) { return read_range(json, "range"); }

Json to_json(const Intent& intent) {
  Json json{{"table", intent.table}, {"columns", intent.columns}};
  if (intent.filter) json["filter"] = to_json(*intent.filter);
  for (const auto& range : intent.ranges) json["ranges"].push_back(to_json(range));
  for (const auto& order : intent.order) {
    Json entry{{"column", order.column}};
    if (order.descending) entry["descending"] = true;
    json["order"].push_back(std::move(entry));
  }
  if (intent.limit) json["limit"] = *intent.limit;
  return json;
}

Result<Intent> intent_from_json(const Json& json) {
  JsonReader reader{json};
  Intent intent;
  intent.table = reader.str("table");
  intent.columns = names(reader, "columns", 1, kColumnsMax);
  const Json* filter = reader.object_or_null("filter");
  const Json* limit = reader.any("limit");
  VMC_CHECK(reader.finish());
  if (!is_name(intent.table)) return malformed("table", "is no name");
  if (filter) {
    VMC_TRY(read, FilterReader{}.read(*filter, "filter", 1));
    intent.filter = std::move(read);
  }
  VMC_TRY(ranges, read_list<KeyRange>(reader, "ranges", kRangesMax, read_range));
  VMC_TRY(order, read_list<Order>(reader, "order", kOrderMax, read_order));
  intent.ranges = std::move(ranges);
  intent.order = std::move(order);
  if (limit) {
    const bool whole = limit->is_number_unsigned() || limit->is_number_integer();
    if (!whole || limit->get<std::int64_t>() < 0) return malformed("limit", "must be a whole number from 0");
    intent.limit = limit->get<std::int64_t>();
  }
  VMC_CHECK(reader.finish_strict(Code::command_malformed));
  return intent;
}

std::vector<std::string> columns_touched(const Intent& intent) {
  std::vector<std::string> all = intent.columns;
  if (intent.filter) touch(*intent.filter, all);
  for (const auto& range : intent.ranges) all.insert(all.end(), range.columns.begin(), range.columns.end());
  for (const auto& order : intent.order) all.push_back(order.column);
  std::unordered_set<std::string> seen;
  std::erase_if(all, [&](const std::string& name) { return !seen.insert(name).second; });
  return all;
}

}  // namespace vmc::data
