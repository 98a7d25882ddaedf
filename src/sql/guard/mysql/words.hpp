// What single words mean to MySQL and MariaDB. All take folded words.
#pragma once

#include <string_view>

namespace vmc::sql::mysql {

// Reserved in every version: never the name of anything unless quoted or behind a dot.
bool is_reserved(std::string_view word);
// Not reserved everywhere, but at the end of an expression or a table the beginning of a clause in some version.
bool is_never_bare_alias(std::string_view word);
// "DELETE removes rows"; empty for a word that begins no statement that writes or administers.
std::string_view verb_meaning(std::string_view word);
// DAY, YEAR_MONTH, SQL_TSI_WEEK.
bool is_unit(std::string_view word);
// "_utf8mb4": what makes the literal behind it one of that character set. Other words with an underscore are names.
bool is_introducer(std::string_view word);

}  // namespace vmc::sql::mysql
