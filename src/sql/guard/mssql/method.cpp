// Methods of XML, hierarchyid, geography and geometry values.
#include <algorithm>

#include <fmt/format.h>

#include "sql/guard/catalogue.hpp"
#include "sql/guard/mssql/lexer.hpp"
#include "sql/guard/mssql/parser.hpp"

namespace vmc::sql::mssql {
namespace {

bool is_xml_method(std::string_view name) { return name == "exist" || name == "query" || name == "value"; }

constexpr std::string_view kColumn = "column";
constexpr std::string_view kSqlColumn = "sql:column(\"";
constexpr std::string_view kNameParts = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.";

// Does a call of a function of this name stand at `at`?
bool is_call(std::string_view text, std::size_t at, std::string_view name) {
  const auto behind = text.find_first_not_of(" \t\r\n", at + name.size());
  return behind != text.npos && text[behind] == '(';
}

Path split(std::string_view name) {
  Path path;
  for (std::size_t dot = 0; dot != name.npos;) {
    dot = name.find('.');
    path.push_back(folded(Dialect::mssql, name.substr(0, dot)));
    if (dot != name.npos) name.remove_prefix(dot + 1);
  }
  return path;
}

}  // namespace

// "t.doc.value(…)", "doc.value(…)"
bool Parser::is_method_call(const Path& path) const {
  if (path.size() < 2 || is_customers(path)) return false;
  return is_xml_method(path.back()) || path.back() == "modify" || is_method(path.back());
}

// The cursor stands behind the method's name.
void Parser::column_method(Path path, const Token& token) {
  const auto& method = tokens_[cursor_.position() - 1];
  path.pop_back();
  if (path.size() == 1) bare_methods_.push_back({path.front(), &token});
  column_of_method(std::move(path), token, method);
  method_call(method);
}

// In capitals a method is none of XML's, and the call one of somebody's function.
void Parser::column_of_method(Path path, const Token& token, const Token& method) {
  if ((is_xml_method(method.name) || method.name == "nodes") && spelling(method) != method.name)
    refuse(method, fmt::format("'{}' is no method of XML, whose names are in lower case", method.text),
           fmt::format("Write {}(…).", method.name), Layer::functions);
  if (!refused()) method_columns_.push_back(cursor_.position() - 3);
  column(std::move(path), token);
  uses_->back().certain = true;
}

// Where capitals may count, a column or an alias that is spelled otherwise is none, and the method a function.
void Parser::check_method_columns() {
  for (const auto at : method_columns_) {
    const auto& column = tokens_[at];
    const auto columns = column_spellings_.find(column.name);
    const auto is_it = [&](const auto& name) { return is_one_name(name, spelling(column)); };
    if (columns != column_spellings_.end() && std::none_of(columns->second.begin(), columns->second.end(), is_it))
      refuse(column, fmt::format("'{}' is another name than '{}' where the database tells capitals apart", spelling(column),
                                 *columns->second.begin()),
             "Spell it alike everywhere.");
    if (at >= 2 && tokens_[at - 1].is(".")) check_spelling(tokens_[at - 2].name, tokens_[at - 2]);
  }
}

// "doc.value(…)" could call somebody's function in a schema "doc" as well, so that the column has to be in sight: of a
// query or of a list of names, as the columns of tables are not known here. Looks at those since `first`.
void Parser::settle_methods(std::size_t first, const std::vector<Item>& items) {
  for (auto i = first; i < bare_methods_.size(); ++i) {
    const auto& method = bare_methods_[i];
    if (!std::any_of(items.begin(), items.end(), [&](const Item& item) { return has_column(item, method.column); }))
      refuse(*method.token, fmt::format("'{}' could be a schema with a function, too", method.column),
             "Write the table's alias before a column whose method is called: t.doc.value(...).", Layer::functions);
  }
  bare_methods_.resize(std::min(first, bare_methods_.size()));
}

bool Parser::has_column(const Item& item, const std::string& column) const {
  if (item.kind != Item::Kind::table) return has_column(item.columns, item.query, column);
  const auto table = item.path.size() == 1 ? common_tables_.find(item.path.front()) : common_tables_.end();
  return table != common_tables_.end() && has_column(table->second.columns, table->second.query, column);
}

// `list`: of names in the place of the query's own.
bool Parser::has_column(const std::vector<std::string>& list, const std::shared_ptr<const Query>& query,
                        const std::string& column) {
  if (!list.empty()) return std::find(list.begin(), list.end(), column) != list.end();
  if (!query || query->blocks.empty()) return false;
  const auto& outputs = query->blocks.front().outputs;
  return std::any_of(outputs.begin(), outputs.end(),
                     [&](const Output& output) { return output.kind == Output::Kind::named && output.name == column; });
}

// hierarchyid::GetRoot(), geography::Point(…)
void Parser::static_call() {
  const auto& type = take();
  take();
  const auto& method = take();
  if (type.kind != Token::Kind::word || method.kind != Token::Kind::word || !is_static_method(type.name, method.name))
    return refuse(type, fmt::format("'{}::{}' is not known to be harmless", type.text, method.text), {},
                  Layer::functions);
  const Nested nested{*this};
  expect("(");
  if (!peek().is(")")) values();
  expect(")");
}

// The arguments of a method.
void Parser::method_call(const Token& token) {
  const Nested nested{*this};
  if (token.name == "modify") return refuse(token, "modify() changes an XML value", "Use query(), value() or exist().");
  if (is_xml_method(token.name)) return xml_method(token);
  if (!is_method(token.name))
    return refuse(token, fmt::format("the method '{}' is not known to be harmless", token.text), {}, Layer::functions);
  expect("(");
  if (!peek().is(")")) values();
  expect(")");
}

void Parser::xml_method(const Token& token) {
  expect("(");
  xquery();
  if (token.name == "value") {
    expect(",");
    type_in_string();
  }
  expect(")");
}

// An XQuery reaches columns with sql:column("t.name"). The name of that function cannot be written in another way, but
// its prefix and its argument can: any other spelling is refused.
void Parser::xquery() {
  const auto& token = peek();
  expect_string();
  if (refused()) return;
  const auto text = value_of(token);
  for (auto at = text.find(kColumn); at != text.npos; at = text.find(kColumn, at + 1)) {
    if (!is_call(text, at, kColumn)) continue;
    const auto start = at < 4 ? text.npos : at - 4;
    const auto name = start == text.npos ? start : start + kSqlColumn.size();
    const auto end = name > text.size() ? text.npos : text.find_first_not_of(kNameParts, name);
    if (end == text.npos || end == name || text.compare(start, kSqlColumn.size(), kSqlColumn) != 0 ||
        text.compare(end, 2, "\")") != 0)
      return refuse(token, "a column in an XQuery is named in a way that is not understood",
                    "Write sql:column(\"t.name\").");
    const auto named = std::string_view{text}.substr(name, end - name);
    string_names_.emplace_back(named.substr(named.rfind('.') + 1));
    uses_->push_back({.path = split(named), .at = token.at, .query = {}});
  }
}

// 'varchar(20)'
void Parser::type_in_string() {
  const auto& token = peek();
  expect_string();
  if (refused()) return;
  const auto text = value_of(token);
  const auto made = lex(text);
  Parser inner{made.list, settings_};
  inner.type();
  if (made.refusal || inner.refused() || !inner.cursor_.at_end())
    refuse(token, "this type is not one of the built-in ones", "Use a type of the server.");
}

}  // namespace vmc::sql::mssql
