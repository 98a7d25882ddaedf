// All tokens of a T-SQL statement, as a server from 2016 to 2022 with QUOTED_IDENTIFIER ON takes them apart; where
// versions, settings or readers differ on where a token ends, the statement is refused.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "sql/guard/token.hpp"

namespace vmc::sql::mssql {

struct Tokens {
  std::vector<Token> list;  // ends with Kind::end
  std::optional<Refusal> refusal;
};

// Without `quoted_identifier` double quotes make a string too, as in modules that were created so.
Tokens lex(std::string_view statement, bool quoted_identifier = true);

// What a string literal in single quotes stands for.
std::string value_of(const Token& string);

}  // namespace vmc::sql::mssql
