#include <fmt/format.h>

#include "sql/guard/postgres/allowed.hpp"
#include "sql/guard/postgres/reader.hpp"

namespace vmc::sql::postgres {
namespace {

// pg_catalog is searched before any other schema, so that a bare pg_… is one of its relations.
bool is_system(std::string_view schema, std::string_view relation) {
  return schema.starts_with("pg_") || schema == "information_schema" || (schema.empty() && relation.starts_with("pg_"));
}

std::vector<std::string> names_of_columns(const Object& fields, std::string_view field) {
  std::vector<std::string> names;
  for (const auto& value : items_of(fields, field))
    if (const auto column = node_of(value)) names.emplace_back(text_of(column->fields, "colname"));
  return names;
}

Item derived(std::shared_ptr<const Query> query) {
  Item item;
  item.kind = Item::Kind::query;
  item.query = std::move(query);
  return item;
}

// The names of an alias stand before what a function's columns are said to be called, in the place of as many.
void add_said(Item& item, const std::vector<std::string>& said) {
  const auto renamed = std::min(item.columns.size(), said.size());
  item.columns.insert(item.columns.end(), said.begin() + static_cast<std::ptrdiff_t>(renamed), said.end());
}

}  // namespace

void TreeReader::from_item(const Value& value, Block& block) {
  const auto node = node_of(value);
  if (!node) return not_understood("FROM", 0);
  if (node->kind == "RangeVar") return range_var(node->fields, block);
  if (node->kind == "RangeSubselect") return range_subselect(node->fields, block);
  if (node->kind == "RangeFunction") return range_function(node->fields, block);
  if (node->kind == "RangeTableSample") return range_sample(node->fields, block);
  if (node->kind == "RangeTableFunc") return range_table_func(node->fields, block);
  if (node->kind == "JoinExpr") return join(node->fields, block);
  not_understood(fmt::format("{} in FROM", node->kind), place_of(node->fields));
}

void TreeReader::alias_of(const Object& fields, Item& item) {
  Object alias;
  if (fields["alias"].get(alias) != simdjson::SUCCESS) return;
  check_fields("an alias", alias, "aliasname colnames");
  item.alias = text_of(alias, "aliasname");
  auto columns = strings_of(alias, "colnames");
  if (!columns) return not_understood("the column names of an alias", item.at);
  item.columns = std::move(*columns);
}

void TreeReader::range_var(const Object& fields, Block& block) {
  check_fields("a table", fields, "catalogname schemaname relname inh relpersistence alias location");
  Item item;
  item.at = place_of(fields);
  const auto schema = text_of(fields, "schemaname"), relation = text_of(fields, "relname");
  const auto database = text_of(fields, "catalogname");
  if (!database.empty() && is_system(schema, relation))
    return refuse(Layer::names, item.at, "a system table is named with its database", "Name it as schema.table.",
                  Code::schema_access_denied);
  if (is_system(schema, relation)) {
    if (schema.starts_with("pg_") && schema != "pg_catalog")
      return refuse(Layer::names, item.at, fmt::format("the schema '{}' is not read", schema), "Read the tables themselves.",
                    Code::schema_access_denied);
    item.catalogue = is_readable_catalogue(schema, relation);
    item.hidden = !item.catalogue;
  }
  if (!database.empty()) item.path.emplace_back(database);
  if (!schema.empty()) item.path.emplace_back(schema);
  item.path.emplace_back(relation);
  alias_of(fields, item);
  block.items.push_back(std::move(item));
}

void TreeReader::range_subselect(const Object& fields, Block& block) {
  check_fields("a subquery", fields, "lateral subquery alias");
  auto item = derived(subquery(child_of(fields, "subquery"), 0));
  item.lateral = flag_of(fields, "lateral");
  alias_of(fields, item);
  block.items.push_back(std::move(item));
}

void TreeReader::range_function(const Object& fields, Block& block) {
  check_fields("a function in FROM", fields, "lateral ordinality is_rowsfrom functions alias coldeflist");
  Item item;
  item.kind = Item::Kind::function;
  std::vector<std::string> said;  // of columns
  bool first = true;  // it gives the item its name
  for (const auto& value : items_of(fields, "functions")) {
    const auto pair = node_of(value);
    if (!pair || pair->kind != "List") return not_understood("a function in FROM", 0);
    // The call, then the columns its rows are said to have.
    const auto parts = items_of(pair->fields, "items");
    if (parts.empty()) return not_understood("a function in FROM", 0);
    const auto call = parts.front();
    expression(call, item.uses);
    if (parts.size() > 1 && node_of(parts[1])) {
      const auto columns = node_of(parts[1]);
      if (columns->kind != "List") return not_understood("a function in FROM", 0);
      column_types(columns->fields, "items", item.uses);
      for (auto& name : names_of_columns(columns->fields, "items")) said.push_back(std::move(name));
    }
    if (const auto node = node_of(call); node && node->kind == "FuncCall")
      if (const auto name = strings_of(node->fields, "funcname"); name && !name->empty() && first) item.alias = name->back();
    first = false;
  }
  column_types(fields, "coldeflist", item.uses);
  alias_of(fields, item);
  for (auto& name : names_of_columns(fields, "coldeflist")) said.push_back(std::move(name));
  // Of several functions it is not known where the columns of each begin.
  if (!item.columns.empty() && flag_of(fields, "is_rowsfrom")) said.clear();
  add_said(item, said);
  block.items.push_back(std::move(item));
}

// The columns that the rows of a function are said to have.
void TreeReader::column_types(const Object& fields, std::string_view field, std::vector<Use>& uses) {
  for (const auto& value : items_of(fields, field)) {
    const auto column = node_of(value);
    if (!column || column->kind != "ColumnDef") return not_understood("a column of a function in FROM", 0);
    check_fields("a column of a function", column->fields, "colname typeName is_local collClause location");
    if (Object type; column->fields["typeName"].get(type) == simdjson::SUCCESS) type_name(type, uses);
  }
}

void TreeReader::range_sample(const Object& fields, Block& block) {
  check_fields("TABLESAMPLE", fields, "relation method args repeatable location");
  const auto method = strings_of(fields, "method");
  if (!method || method->empty() || (method->back() != "bernoulli" && method->back() != "system") ||
      (method->size() == 2 && method->front() != "pg_catalog") || method->size() > 2)
    return refuse(Layer::functions, place_of(fields), "this sampling method is a function that is not known",
                  "Use BERNOULLI or SYSTEM.");
  if (const auto relation = child_of(fields, "relation")) from_item(*relation, block);
  const auto before = block.uses.size();
  expressions(fields, "args", block.uses);
  if (const auto seed = child_of(fields, "repeatable")) expression(*seed, block.uses);
  see_items(block.uses, before, 1, 0);  // nothing beside it
}

void TreeReader::range_table_func(const Object& fields, Block& block) {
  check_fields("XMLTABLE", fields, "lateral docexpr rowexpr namespaces columns alias location");
  Item item;
  item.kind = Item::Kind::function;
  item.at = place_of(fields);
  item.alias = "xmltable";
  for (const auto* field : {"docexpr", "rowexpr"})
    if (const auto value = child_of(fields, field)) expression(*value, item.uses);
  expressions(fields, "namespaces", item.uses);
  std::vector<std::string> said;
  for (const auto& value : items_of(fields, "columns")) {
    const auto column = node_of(value);
    if (!column || column->kind != "RangeTableFuncCol") return not_understood("XMLTABLE", item.at);
    said.emplace_back(text_of(column->fields, "colname"));
    check_fields("XMLTABLE", column->fields, "colname typeName for_ordinality is_not_null colexpr coldefexpr location");
    for (const auto* field : {"colexpr", "coldefexpr"})
      if (const auto part = child_of(column->fields, field)) expression(*part, item.uses);
    if (Object type; column->fields["typeName"].get(type) == simdjson::SUCCESS) type_name(type, item.uses);
  }
  alias_of(fields, item);
  add_said(item, said);
  block.items.push_back(std::move(item));
}

void TreeReader::join(const Object& fields, Block& block) {
  check_fields("JOIN", fields, "jointype isNatural larg rarg usingClause join_using_alias quals alias rtindex");
  const auto left = child_of(fields, "larg"), right = child_of(fields, "rarg");
  auto columns = strings_of(fields, "usingClause");
  if (!left || !right || !columns) return not_understood("JOIN", 0);
  for (const auto& column : *columns) check_rights_column(column, 0);
  // (a JOIN b) AS j hides a and b behind j.
  const bool named = child_of(fields, "alias").has_value();
  auto inner = std::make_shared<Query>();
  auto& sides = named ? inner->blocks.emplace_back() : block;
  const auto first = sides.items.size();
  from_item(*left, sides);
  from_item(*right, sides);
  if (sides.items.empty() || refusal_) return;
  auto& last = sides.items.back();
  last.natural = last.natural || flag_of(fields, "isNatural");
  last.using_columns.insert(last.using_columns.end(), columns->begin(), columns->end());
  const auto before = sides.uses.size();
  if (const auto quals = child_of(fields, "quals")) expression(*quals, sides.uses);
  if (last.natural || !columns->empty()) calls_.insert(kEquals);
  see_items(sides.uses, before, first, sides.items.size() - 1);
  Object alias;
  if (fields["join_using_alias"].get(alias) == simdjson::SUCCESS) {
    auto merged = std::make_shared<Query>();
    auto& outputs = merged->blocks.emplace_back().outputs;
    for (const auto& column : *columns) outputs.push_back({Output::Kind::named, column, {}});
    sides.items.push_back(derived(std::move(merged)));
    sides.items.back().alias = text_of(alias, "aliasname");
  }
  if (!named) return;
  sides.outputs.push_back({Output::Kind::star, {}, {}});
  auto item = derived(std::move(inner));
  item.lateral = item.is_join = true;
  alias_of(fields, item);
  block.items.push_back(std::move(item));
}

}  // namespace vmc::sql::postgres
