// The words of T-SQL that are no names, and what those that begin other statements do.
#pragma once

#include <string_view>

namespace vmc::sql::mssql {

// Cannot be a name without quotes. All words are folded.
bool is_reserved(std::string_view word);
bool is_clause_word(std::string_view word);  // a reserved word of queries that nobody calls a column

struct Verb {
  std::string_view word, does;  // "delete", "DELETE removes rows"
};

// A reserved word that begins another statement than a query, wherever it stands; otherwise nullptr.
const Verb* find_verb(std::string_view word);
// A word that does so only at the head of a text or behind a semicolon, and is a name anywhere else.
const Verb* find_head_verb(std::string_view word);

bool is_date_part(std::string_view word);  // "day", "yy": the first argument of DATEADD

}  // namespace vmc::sql::mssql
