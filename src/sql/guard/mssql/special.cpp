// Calls with a syntax of their own, and the names of types.
#include <algorithm>
#include <array>

#include "sql/guard/mssql/parser.hpp"

namespace vmc::sql::mssql {
namespace {

// Types of the customer are left out: making a value of one may run its code.
constexpr auto kTypes = std::to_array<std::string_view>({
    "bigint", "binary", "bit", "char", "character", "date", "datetime", "datetime2", "datetimeoffset", "dec", "decimal",
    "float", "geography", "geometry", "hierarchyid", "image", "int", "integer", "money", "nchar", "ntext", "numeric",
    "nvarchar", "real", "rowversion", "smalldatetime", "smallint", "smallmoney", "sql_variant", "sysname", "text",
    "time", "timestamp", "tinyint", "uniqueidentifier", "varbinary", "varchar", "xml",
});
static_assert(std::is_sorted(kTypes.begin(), kTypes.end()));

}  // namespace

// Behind the parenthesis that opens the arguments of `token`.
void Parser::special(const Token& token) {
  using Read = void (Parser::*)();
  struct Syntax {
    std::string_view name;
    Read read;
  };
  constexpr auto kSyntax = std::to_array<Syntax>({
      {"cast", &Parser::cast},
      {"try_cast", &Parser::cast},
      {"convert", &Parser::convert},
      {"try_convert", &Parser::convert},
      {"parse", &Parser::parse},
      {"try_parse", &Parser::parse},
      {"trim", &Parser::trim},
      {"iif", &Parser::iif},
      {"isjson", &Parser::is_json},
      {"json_array", &Parser::json_array},
      {"json_object", &Parser::json_object},
  });
  for (const auto& [name, read] : kSyntax)
    if (token.name == name) return (this->*read)();
  not_understood(token);
}

void Parser::cast() {
  value();
  expect_word("as");
  type();
}

void Parser::convert() {
  const auto to = type();
  expect(",");
  value();
  if (!accept(",")) return;
  if (to != "xml") return value();
  // Styles 2 and 3 expand the entities of a document, without end if it says so.
  const auto& style = take();
  if (style.text != "0" && style.text != "1")
    refuse(style, "this style lets an XML document define entities", "Use style 0 or 1.", Layer::functions);
}

void Parser::parse() {
  cast();
  if (accept_word("using")) value();
}

void Parser::trim() {
  accept_any({"both", "leading", "trailing"});
  value();
  if (accept_word("from")) value();
}

void Parser::iif() {
  condition();
  expect(",");
  value();
  expect(",");
  value();
}

void Parser::is_json() {
  value();
  if (accept(",")) expect_any({"array", "object", "scalar", "value"});
}

// JSON_OBJECT ('id':id, 'name':name NULL ON NULL)
void Parser::json_object() {
  if (!peek().is(")") && !is_any({"null", "absent"})) {
    do {
      value();
      expect(":");
      value();
    } while (accept(","));
  }
  null_on_null();
}

void Parser::json_array() {
  if (!peek().is(")") && !(is_any({"null", "absent"}) && is_word("on", 1))) values();
  null_on_null();
}

void Parser::null_on_null() {
  if (!accept_words({"null", "on", "null"})) accept_words({"absent", "on", "null"});
}

// {fn CONVERT(x, SQL_INTEGER)}, {fn TIMESTAMPADD(SQL_TSI_DAY, 1, x)}, {fn EXTRACT(YEAR FROM x)}. True when it was one.
bool Parser::odbc_special(const Token& token) {
  const bool stamps = token.name == "timestampadd" || token.name == "timestampdiff";
  if (!stamps && token.name != "convert" && token.name != "extract") return false;
  const Nested nested{*this};
  const auto constant = [this](std::string_view prefix) {
    if (peek().kind == Token::Kind::word && peek().name.starts_with(prefix)) take();
    else not_understood();
  };
  expect("(");
  if (stamps) {
    constant("sql_tsi_");
    expect(",");
    values();
  } else if (token.name == "convert") {
    value();
    expect(",");
    constant("sql_");
  } else {
    expect_any({"year", "month", "day", "hour", "minute", "second"});
    expect_word("from");
    value();
  }
  expect(")");
  return true;
}

// The name of a type without its size.
std::string Parser::type() {
  if (accept_words({"double", "precision"})) return "float";
  if (peek().is_name() && peek().name == "sys" && peek(1).is(".")) {
    take();
    take();
  }
  const bool national = accept_word("national");
  const auto& token = take();
  const bool is_text = token.name == "char" || token.name == "character" || token.name == "text";
  const bool known = token.is_name() && std::binary_search(kTypes.begin(), kTypes.end(), token.name);
  if (!known || (national && !is_text)) {
    refuse(token, "this type is not one of the built-in ones", "Use a type of the server.");
    return {};
  }
  if (is_text || token.name == "nchar" || token.name == "binary") accept_word("varying");
  if (token.name != "xml") type_size();
  return token.name;
}

void Parser::type_size() {
  if (!accept("(")) return;
  if (!accept_word("max")) {
    expect_number();
    if (accept(",")) expect_number();
  }
  expect(")");
}

}  // namespace vmc::sql::mssql
