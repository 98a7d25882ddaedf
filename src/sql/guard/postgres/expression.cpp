#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/text.hpp"
#include "sql/guard/postgres/allowed.hpp"
#include "sql/guard/postgres/made.hpp"
#include "sql/guard/postgres/reader.hpp"

namespace vmc::sql::postgres {
namespace {

// Nodes that are no more than what they hold: fields with expressions, and fields without meaning for the guard.
struct Plain {
  std::string_view kind, holds, rest;
};
constexpr std::array kPlain{
    Plain{"A_ArrayExpr", "elements", "location"},
    Plain{"A_Const", "", "isnull ival fval sval bsval boolval location"},
    Plain{"A_Indices", "lidx uidx", "is_slice"},
    Plain{"BoolExpr", "args", "boolop location"},
    Plain{"BooleanTest", "arg", "booltesttype location"},
    Plain{"CaseExpr", "arg args defresult", "location"},
    Plain{"CaseWhen", "expr result", "location"},
    Plain{"CoalesceExpr", "args", "location"},
    Plain{"CollateClause", "arg", "collname location"},
    Plain{"GroupingFunc", "args", "location"},
    Plain{"List", "items", ""},
    Plain{"MinMaxExpr", "args", "op location"},
    Plain{"NamedArgExpr", "arg", "name argnumber location"},
    Plain{"NullTest", "arg", "nulltesttype location"},
    Plain{"ResTarget", "val", "name location"},  // inside XMLELEMENT and XMLFOREST
    Plain{"RowExpr", "args", "row_format location"},
    Plain{"SQLValueFunction", "", "op typmod location"},
    Plain{"XmlExpr", "named_args args", "op name xmloption location"},
};

// Types whose input and output functions look up what is not shared.
constexpr std::array<std::string_view, 6> kTellingTypes{"aclitem", "regoper", "regoperator", "regproc", "regprocedure", "regrole"};
// Types that give the name to a number, or the number to a name, of what may be private.
constexpr std::array<std::string_view, 3> kNamingTypes{"regclass", "regnamespace", "regtype"};
constexpr std::array<std::string_view, 4> kRightsColumns{"attacl", "nspacl", "relacl", "typacl"};
bool is_naming_type(std::string_view name) { return std::find(kNamingTypes.begin(), kNamingTypes.end(), name) != kNamingTypes.end(); }
constexpr std::size_t kSubscriptsMax = 16;  // the server allows 6 dimensions

// The text of an argument that is a constant.
std::optional<std::string_view> constant_text(const std::vector<Value>& arguments, std::size_t number) {
  const auto node = number < arguments.size() ? node_of(arguments[number]) : std::nullopt;
  Object text;
  if (!node || node->kind != "A_Const" || node->fields["sval"].get(text) != simdjson::SUCCESS) return std::nullopt;
  return text_of(text, "sval");
}

// A table as a text names it: 'orders', 'archive."Orders"'.
Path path_in(std::string_view text) {
  Path path;
  for (;;) {
    const auto dot = text.find('.');
    auto part = text.substr(0, dot);
    const bool quoted = part.size() > 2 && part.front() == '"' && part.back() == '"';
    path.push_back(quoted ? std::string{part.substr(1, part.size() - 2)} : lowered(part));
    if (dot == text.npos) return path;
    text.remove_prefix(dot + 1);
  }
}

// Is the value in (value).field a constant, or cast to a type of the server's own? Such a value has no fields.
bool is_scalar(const Object& indirection) {
  if (child_node(indirection, "arg", "A_Const")) return true;
  const auto cast = child_node(indirection, "arg", "TypeCast");
  Object type;
  if (!cast || (*cast)["typeName"].get(type) != simdjson::SUCCESS) return false;
  const auto names = strings_of(type, "names");
  return names && !names->empty() && names->back() != "record" && (is_builtin_type(names->back()) || is_naming_type(names->back()));
}

// The name in (name).field.
std::optional<std::string> bare_name(const Object& indirection) {
  const auto row = child_node(indirection, "arg", "ColumnRef");
  const auto names = row ? strings_of(*row, "fields") : std::nullopt;
  return names && names->size() == 1 ? std::optional{names->front()} : std::nullopt;
}

// 'orders'::regclass, which is judged by itself.
bool is_table_cast(const Value& value) {
  const auto node = node_of(value);
  Object type;
  if (!node || node->fields["typeName"].get(type) != simdjson::SUCCESS) return false;
  const auto names = strings_of(type, "names");
  return names && !names->empty() && names->back() == "regclass" && items_of(type, "arrayBounds").empty();
}

// ('orders'::regclass, 'archive.orders'::regclass)
bool are_table_casts(const Value& value) {
  const auto list = node_of(value);
  if (!list || list->kind != "List") return false;
  const auto items = items_of(list->fields, "items");
  return std::all_of(items.begin(), items.end(), is_table_cast);
}

// Whose outcome is true or false, whatever the types.
bool is_comparison(const Object& operation) {
  static constexpr std::array<std::string_view, 6> kComparisons{"<", "<=", "<>", "=", ">", ">="};
  const auto kind = text_of(operation, "kind");
  const auto name = strings_of(operation, "name");
  return (kind == "AEXPR_OP" || kind == "AEXPR_IN") && name && name->size() == 1 &&
         std::find(kComparisons.begin(), kComparisons.end(), name->front()) != kComparisons.end();
}

}  // namespace

void TreeReader::expression(const Value& value, std::vector<Use>& uses, Use::Alias alias) {
  if (refusal_) return;
  const auto node = node_of(value);
  if (!node) return not_understood("an expression", 0);
  const auto& fields = node->fields;
  const bool settled = std::exchange(settled_, false);
  if (node->kind == "ColumnRef") return column_ref(fields, uses, alias);
  if (node->kind == "FuncCall") return call(fields, uses, settled);
  if (node->kind == "SubLink") return sub_link(fields, uses);
  if (node->kind == "A_Indirection") return indirection(fields, uses);
  if (node->kind == "A_Expr") {
    check_fields("an operator", fields, "kind name lexpr rexpr location");
    check_operator(fields, "name");
    const bool compares = is_comparison(fields);
    for (const auto& [side, other] : {std::pair{"lexpr", "rexpr"}, {"rexpr", "lexpr"}}) {
      const auto part = child_of(fields, side);
      if (!part) continue;
      const bool beside_column = compares && child_node(fields, other, "ColumnRef");
      if (beside_column && are_table_casts(*part)) {  // IN
        for (const auto& item : items_of(node_of(*part)->fields, "items")) settled_ = true, expression(item, uses);
        continue;
      }
      settled_ = beside_column;
      expression(*part, uses);
    }
    return;
  }
  if (node->kind == "TypeCast") {
    check_fields("a cast", fields, "arg typeName location");
    const bool of_table = is_table_cast(value);
    settled_ = !of_table;
    if (const auto argument = child_of(fields, "arg")) expression(*argument, uses);
    settled_ = false;
    if (Object type; fields["typeName"].get(type) == simdjson::SUCCESS) type_name(type, uses, child_of(fields, "arg"));
    if (of_table) names_table("regclass", settled, place_of(fields), uses);
    return;
  }
  if (node->kind == "XmlSerialize") {
    check_fields("XMLSERIALIZE", fields, "xmloption expr typeName location");
    if (const auto argument = child_of(fields, "expr")) expression(*argument, uses);
    if (Object type; fields["typeName"].get(type) == simdjson::SUCCESS) type_name(type, uses, child_of(fields, "expr"));
    if (is_table_cast(value)) names_table("regclass", settled, place_of(fields), uses);
    return;
  }
  if (node->kind == "ParamRef") {
    check_fields("a parameter", fields, "number location");
    std::int64_t number = 0;
    if (fields["number"].get(number) != simdjson::SUCCESS || number < 1 || number > 65'535)
      not_understood("a parameter without its number", place_of(fields));
    return;
  }
  if (node->kind == "SortBy") {  // of an aggregate, or of a window
    check_fields("ORDER BY", fields, "node sortby_dir sortby_nulls useOp location");
    check_operator(fields, "useOp");
    if (const auto part = child_of(fields, "node")) expression(*part, uses);
    return;
  }
  // ROLLUP, CUBE, and (a, b) in GROUP BY: each part as if it stood alone.
  if (node->kind == "GroupingSet") {
    check_fields("a grouping set", fields, "kind content location");
    return expressions(fields, "content", uses, alias);
  }
  if (node->kind == "RowExpr" && alias == Use::Alias::second && text_of(fields, "row_format") == "COERCE_IMPLICIT_CAST") {
    check_fields("a row", fields, "args row_format location");
    return expressions(fields, "args", uses, alias);
  }
  if (!plain(*node, uses)) not_understood(node->kind, place_of(fields));
}

// True when the node is one of kPlain.
bool TreeReader::plain(const Node& node, std::vector<Use>& uses) {
  const auto rule = std::find_if(kPlain.begin(), kPlain.end(), [&](const Plain& p) { return p.kind == node.kind; });
  if (rule == kPlain.end()) return false;
  check_fields(node.kind, node.fields, fmt::format("{} {}", rule->holds, rule->rest));
  if (node.kind == "CaseExpr" && child_of(node.fields, "arg")) calls_.insert(kEquals);  // CASE x WHEN y
  each_word(rule->holds, [&](std::string_view field) {
    const auto value = child_of(node.fields, field);
    if (!value) return;
    if (value->is_array()) return expressions(node.fields, field, uses);
    settled_ = node.kind == "NullTest";
    expression(*value, uses);
  });
  return true;
}

void TreeReader::expressions(const Object& fields, std::string_view field, std::vector<Use>& uses, Use::Alias alias) {
  for (const auto& item : items_of(fields, field)) expression(item, uses, alias);
}

void TreeReader::check_rights_column(std::string_view name, std::size_t at) {
  if (std::find(kRightsColumns.begin(), kRightsColumns.end(), name) != kRightsColumns.end())
    refuse(Layer::names, at, fmt::format("'{}' of the system catalogue tells of accounts", name), {}, Code::schema_access_denied);
}

void TreeReader::column_ref(const Object& fields, std::vector<Use>& uses, Use::Alias alias) {
  check_fields("a column", fields, "fields location");
  Use use;
  use.at = place_of(fields);
  use.alias = alias;
  for (const auto& item : items_of(fields, "fields")) {
    const auto part = node_of(item);
    if (part && part->kind == "String") use.path.emplace_back(text_of(part->fields, "sval"));
    else if (part && part->kind == "A_Star") use.kind = Use::Kind::star;
    else return not_understood("a column's name", use.at);
  }
  if (!use.path.empty()) check_rights_column(use.path.back(), use.at);
  if (use.kind == Use::Kind::column && use.path.size() > 1) {
    const auto& name = use.path.back();
    if (is_row_function(name))
      return refuse(Layer::functions, use.at, fmt::format("'{}' of a row is a call of that function", name),
                    "Call it by its name over approved columns.");
    use.known_field = is_known_field(name) || is_catalogue_column(name);
  }
  uses.push_back(std::move(use));
}

// x[1], (x).field, (x).*
void TreeReader::indirection(const Object& fields, std::vector<Use>& uses) {
  check_fields("a subscript or field", fields, "arg indirection");
  if (const auto argument = child_of(fields, "arg")) expression(*argument, uses);
  const auto parts = items_of(fields, "indirection");
  if (parts.size() > kSubscriptsMax) return not_understood("an array of so many dimensions", 0);
  for (const auto& item : parts) {
    const auto part = node_of(item);
    if (!part) return not_understood("a subscript", 0);
    if (part->kind == "A_Indices") {
      expression(item, uses);
    } else if (part->kind == "String") {
      // (x).f calls a function f where x has no such field.
      const auto name = text_of(part->fields, "sval");
      if (is_known_field(name)) {
        calls_.emplace(name, 1);
        continue;
      }
      if (is_row_function(name))
        return refuse(Layer::functions, place_of(fields), fmt::format("'{}' of a row is a call of that function", name),
                      "Call it by its name over approved columns.");
      if (is_scalar(fields))
        return refuse(Layer::functions, place_of(fields), fmt::format("'{}' of a value that is no row is a call of that function", name),
                      "Call it by its name over approved columns.");
      Use use;
      use.kind = Use::Kind::field;
      if (const auto row = bare_name(fields)) use.path.push_back(*row);
      use.path.emplace_back(name);
      uses.push_back(std::move(use));
    } else if (part->kind != "A_Star") {
      return not_understood(part->kind, 0);
    }
  }
}

void TreeReader::call(const Object& fields, std::vector<Use>& uses, bool settled) {
  const auto at = place_of(fields);
  check_fields("a function call", fields,
               "funcname args agg_order agg_filter over agg_within_group agg_star agg_distinct func_variadic funcformat location");
  const auto name = strings_of(fields, "funcname");
  if (!name || name->empty()) return not_understood("a function's name", at);
  // The field of extract() is a word, which libpg_query would take from a parameter too.
  if (name->back() == "extract" && !constant_text(items_of(fields, "args"), 0)) return not_understood("extract() of a parameter", at);
  check_function(*name, fields, uses);
  const bool tells = is_telling_function(name->back());
  for (const auto& argument : items_of(fields, "args")) {
    settled_ = tells;
    expression(argument, uses);
  }
  settled_ = false;
  if (name->back() == "to_regclass" || name->back() == "pg_typeof") names_table(name->back(), settled, at, uses);
  expressions(fields, "agg_order", uses);
  if (const auto filter = child_of(fields, "agg_filter")) expression(*filter, uses);
  if (Object over; fields["over"].get(over) == simdjson::SUCCESS) window(over, uses);
}

void TreeReader::check_function(const std::vector<std::string>& name, const Object& fields, std::vector<Use>& uses) {
  const auto at = place_of(fields);
  const auto whole = fmt::format("{}", fmt::join(name, "."));
  const bool own = name.size() == 1 || (name.size() == 2 && name[0] == "pg_catalog");
  if (own && is_harmless_function(name.back())) {
    const bool counted = !flag_of(fields, "agg_within_group") && !flag_of(fields, "func_variadic");
    if (name.size() == 1) calls_.emplace(name.back(), counted ? static_cast<int>(items_of(fields, "args").size()) : -1);
    check_arguments(name.back(), fields);
    if (is_telling_function(name.back())) telling(name.back(), items_of(fields, "args"), at, uses);
    return;
  }
  if (settings_.functions.contains(whole) || whole == "information_schema._pg_expandarray") return;
  refuse(Layer::functions, at, fmt::format("the function {} is not known to be harmless", whole),
         "Its owner can allow one of their own: functions = [...] of the connection, on the agent.");
}

// Beside a value of the type regclass or regtype, texts and numbers become names of tables too: of any.
void TreeReader::names_table(std::string_view what, bool settled, std::size_t at, std::vector<Use>& uses) {
  if (settled) return;
  uses.push_back({.kind = Use::Kind::catalogue, .path = {fmt::format("{} beside other values", what)}, .at = at, .query = {}});
}

// What looks up a table in the catalogue: one that is named may be looked up if it is approved.
void TreeReader::telling(std::string_view what, const std::vector<Value>& arguments, std::size_t at,
                         std::vector<Use>& uses) {
  Use use;
  use.at = at;
  const bool alone = arguments.size() == 1 || what == "pg_relation_size" || what == "obj_description";
  if (const auto text = constant_text(arguments, 0); text && alone && what != "regtype" && what != "regnamespace") {
    use.kind = Use::Kind::relation;
    use.path = path_in(*text);
  } else {
    if (alone && !arguments.empty() && is_table_cast(arguments.front())) return;
    use.kind = Use::Kind::catalogue;
    use.path = {std::string{what}};
  }
  uses.push_back(std::move(use));
}

// Of some functions it is the arguments that decide.
void TreeReader::check_arguments(std::string_view name, const Object& fields) {
  const auto at = place_of(fields);
  const auto arguments = items_of(fields, "args");
  if (name == "current_setting") {
    const auto setting = constant_text(arguments, 0);
    if (!setting || !is_readable_setting(lowered(*setting)))
      refuse(Layer::functions, at, "this setting is not shown", "Settings that tell how values are read, and the version, may be shown.");
  }
  if (name == "ts_rewrite" && arguments.size() != 3)
    refuse(Layer::functions, at, "ts_rewrite with a query runs SQL from text", "Give target and substitute.");
  if (auto what = makes_too_much(name, fields)) refuse(Layer::functions, at, std::move(*what), "Ask for less.");
}

void TreeReader::window(const Object& fields, std::vector<Use>& uses) {
  check_fields("a window", fields,
               "name refname partitionClause orderClause frameOptions startOffset endOffset location");
  expressions(fields, "partitionClause", uses);
  expressions(fields, "orderClause", uses);
  for (const auto* side : {"startOffset", "endOffset"})
    if (const auto value = child_of(fields, side)) expression(*value, uses);
}

void TreeReader::sub_link(const Object& fields, std::vector<Use>& uses) {
  check_fields("a subquery", fields, "subLinkType testexpr operName subselect location");
  check_operator(fields, "operName");
  if (const auto test = child_of(fields, "testexpr")) {
    if (items_of(fields, "operName").empty()) calls_.insert(kEquals);  // x IN (SELECT …)
    expression(*test, uses);
  }
  Use use;
  use.kind = Use::Kind::query;
  use.at = place_of(fields);
  use.query = subquery(child_of(fields, "subselect"), use.at);
  uses.push_back(std::move(use));
}

// `cast`: what is made one of it.
void TreeReader::type_name(const Object& fields, std::vector<Use>& uses, const std::optional<Value>& cast) {
  check_fields("a type", fields, "names typmods typemod arrayBounds location");  // not %TYPE, not SETOF
  const auto names = strings_of(fields, "names");
  if (!names || names->empty()) return not_understood("a type", place_of(fields));
  const std::string_view last = names->back();
  const auto element = last.starts_with('_') ? last.substr(1) : last;  // of an array type
  if (std::find(kTellingTypes.begin(), kTellingTypes.end(), element) != kTellingTypes.end())
    refuse(Layer::functions, place_of(fields), fmt::format("a cast to {} looks up accounts or functions", last));
  for (const auto& value : items_of(fields, "typmods"))
    if (const auto part = node_of(value); !part || part->kind != "ColumnRef")
      expression(value, uses);  // geometry(Point)
  if (names->size() == 2 && names->front() == "information_schema") return;
  const bool own = names->size() == 1 || (names->size() == 2 && names->front() == "pg_catalog");
  if (own && is_naming_type(element))
    return telling(last, cast ? std::vector<Value>{*cast} : std::vector<Value>{}, place_of(fields), uses);
  if (own && is_builtin_type(last)) return;
  Use use;
  use.kind = Use::Kind::type;
  use.at = place_of(fields);
  use.path = *names;
  uses.push_back(std::move(use));
}

void TreeReader::check_operator(const Object& fields, std::string_view field) {
  const auto name = strings_of(fields, field);
  if (!name) return not_understood("an operator", place_of(fields));
  if (name->empty()) return;
  const bool own = name->size() == 1 || (name->size() == 2 && name->front() == "pg_catalog");
  const auto& op = name->back();
  const bool word = op == "BETWEEN" || op == "NOT BETWEEN" || op == "BETWEEN SYMMETRIC" || op == "NOT BETWEEN SYMMETRIC";
  if (own && (word || is_builtin_operator(op))) {
    if (word) calls_.insert({{"<", 2}, {"<=", 2}, {">", 2}, {">=", 2}});
    else if (name->size() == 1) calls_.emplace(op, -1);
    return;
  }
  refuse(Layer::functions, place_of(fields), fmt::format("the operator {} is a function that is not known", fmt::join(*name, ".")));
}

}  // namespace vmc::sql::postgres
