// What PostgreSQL calls the outputs of a select list (FigureColname in its parser).
#include <array>

#include "sql/guard/postgres/reader.hpp"

namespace vmc::sql::postgres {
namespace {

struct Fixed {
  std::string_view kind, name;
};
constexpr std::array kFixed{
    Fixed{"A_ArrayExpr", "array"}, Fixed{"CaseExpr", "case"},         Fixed{"CoalesceExpr", "coalesce"},
    Fixed{"RowExpr", "row"},       Fixed{"GroupingFunc", "grouping"}, Fixed{"XmlSerialize", "xmlserialize"},
};
constexpr std::array kValueFunctions{
    Fixed{"SVFOP_CURRENT_DATE", "current_date"},           Fixed{"SVFOP_CURRENT_TIME", "current_time"},
    Fixed{"SVFOP_CURRENT_TIME_N", "current_time"},         Fixed{"SVFOP_CURRENT_TIMESTAMP", "current_timestamp"},
    Fixed{"SVFOP_CURRENT_TIMESTAMP_N", "current_timestamp"}, Fixed{"SVFOP_LOCALTIME", "localtime"},
    Fixed{"SVFOP_LOCALTIME_N", "localtime"},               Fixed{"SVFOP_LOCALTIMESTAMP", "localtimestamp"},
    Fixed{"SVFOP_LOCALTIMESTAMP_N", "localtimestamp"},     Fixed{"SVFOP_CURRENT_ROLE", "current_role"},
    Fixed{"SVFOP_CURRENT_USER", "current_user"},           Fixed{"SVFOP_USER", "user"},
    Fixed{"SVFOP_SESSION_USER", "session_user"},           Fixed{"SVFOP_CURRENT_CATALOG", "current_catalog"},
    Fixed{"SVFOP_CURRENT_SCHEMA", "current_schema"},
};

struct Name {
  std::string text;
  bool weak = false;  // a cast's type gives a name only where nothing better does
  bool known = true;  // the server gives it one, but which is not known here
};
constexpr const char* kNameless = "?column?";

template <class List>
std::string fixed(const List& list, std::string_view kind) {
  for (const auto& [known, name] : list)
    if (known == kind) return std::string{name};
  return {};
}

std::string last_string(const Object& fields, std::string_view field) {
  std::string last;
  for (const auto& item : items_of(fields, field)) {
    const auto part = node_of(item);
    if (part && part->kind == "String") last = text_of(part->fields, "sval");
  }
  return last;
}

std::optional<Name> name_of(const std::optional<Value>& value);

std::optional<Name> cast_name(const Object& fields) {
  const auto inner = name_of(child_of(fields, "arg"));
  if (inner && !inner->weak) return inner;
  Object type;
  if (fields["typeName"].get(type) != simdjson::SUCCESS) return inner;
  return Name{last_string(type, "names"), true};
}

std::optional<Name> sub_link_name(const Object& fields) {
  const auto kind = text_of(fields, "subLinkType");
  if (kind == "EXISTS_SUBLINK") return Name{"exists"};
  if (kind == "ARRAY_SUBLINK") return Name{"array"};
  if (kind != "EXPR_SUBLINK") return std::nullopt;
  // Its first output's, and no cast or CASE around it gives another: not even where that output has none.
  auto select = child_node(fields, "subselect", "SelectStmt");
  for (Object left; select && (*select)["larg"].get(left) == simdjson::SUCCESS;) select = left;  // the first arm
  if (!select) return Name{.text = {}, .known = false};
  if (!items_of(*select, "valuesLists").empty()) return Name{"column1"};
  const auto targets = items_of(*select, "targetList");
  const auto target = targets.empty() ? std::nullopt : node_of(targets.front());
  if (!target) return Name{.text = {}, .known = false};
  const auto output = output_of(target->fields);
  if (output.kind == Output::Kind::unnamed) return Name{kNameless};
  return Name{.text = output.name, .known = output.kind == Output::Kind::named};
}

std::optional<Name> name_of(const std::optional<Value>& value) {
  const auto node = value ? node_of(*value) : std::nullopt;
  if (!node) return std::nullopt;
  const auto& fields = node->fields;
  if (node->kind == "ColumnRef") return Name{last_string(fields, "fields")};
  if (node->kind == "FuncCall") return Name{last_string(fields, "funcname")};
  if (node->kind == "TypeCast") return cast_name(fields);
  if (node->kind == "CollateClause") return name_of(child_of(fields, "arg"));
  if (node->kind == "SubLink") return sub_link_name(fields);
  if (node->kind == "A_Expr" && text_of(fields, "kind") == "AEXPR_NULLIF") return Name{"nullif"};
  if (node->kind == "MinMaxExpr") return Name{text_of(fields, "op") == "IS_LEAST" ? "least" : "greatest"};
  if (node->kind == "SQLValueFunction") return Name{fixed(kValueFunctions, text_of(fields, "op"))};
  if (node->kind == "CaseExpr") {
    const auto otherwise = name_of(child_of(fields, "defresult"));
    return otherwise && !otherwise->weak ? otherwise : Name{"case", true};
  }
  if (node->kind == "A_Indirection") {
    if (auto field = last_string(fields, "indirection"); !field.empty()) return Name{std::move(field)};
    return name_of(child_of(fields, "arg"));
  }
  if (node->kind == "XmlExpr") {
    auto op = std::string{text_of(fields, "op")};  // IS_XMLELEMENT
    if (op == "IS_DOCUMENT") return std::nullopt;
    for (char& c : op) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return Name{op.starts_with("is_") ? op.substr(3) : op};
  }
  if (auto name = fixed(kFixed, node->kind); !name.empty()) return Name{std::move(name)};
  return std::nullopt;
}

bool ends_with_star(const Object& fields, std::string_view field) {
  const auto list = items_of(fields, field);
  if (list.empty()) return false;
  const auto last = node_of(list.back());
  return last && last->kind == "A_Star";
}

}  // namespace

Output output_of(const Object& target) {
  if (const auto alias = text_of(target, "name"); !alias.empty()) return {Output::Kind::named, std::string{alias}, {}};
  const auto value = child_of(target, "val");
  const auto node = value ? node_of(*value) : std::nullopt;
  if (node && node->kind == "ColumnRef" && ends_with_star(node->fields, "fields")) {
    Output output{Output::Kind::star, {}, {}};
    for (const auto& item : items_of(node->fields, "fields"))
      if (const auto part = node_of(item); part && part->kind == "String") output.path.emplace_back(text_of(part->fields, "sval"));
    return output;
  }
  // (x).*: the fields of a row value.
  if (node && node->kind == "A_Indirection" && ends_with_star(node->fields, "indirection"))
    return {Output::Kind::fields, {}, {}};
  if (auto name = name_of(value))
    return {name->known ? Output::Kind::named : Output::Kind::fields, std::move(name->text), {}};
  return {Output::Kind::unnamed, {}, {}};
}

}  // namespace vmc::sql::postgres
