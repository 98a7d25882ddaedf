// The characters of T-SQL names: what may stand in one, and which names a server may take for one another.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace vmc::sql::mssql {

// The character at `at`, which moves behind it. The text is valid UTF-8.
char32_t decode(std::string_view text, std::size_t& at);

bool is_name_start(char32_t c);  // of a name without quotes
bool is_name_part(char32_t c);
bool is_odd_blank(char32_t c);   // white space to the server, beyond blank, tab, CR and LF
bool is_line_break(char32_t c);  // beyond CR and LF; readers differ whether a line ends there
bool is_direction(char32_t c);   // makes the text that is shown differ from the text that runs

inline constexpr std::size_t kNameMax = 128;  // UTF-16 units
std::size_t utf16_length(std::string_view text);

// Has nothing that a collation may leave out or take for another character: "em<soft hyphen>ail" finds the column
// email, and so do full-width letters and a blank at the end.
bool is_plain(std::string_view name);

// In small letters (Latin, Greek and Cyrillic), as every case-insensitive collation compares names.
std::string fold(std::string_view name);
// Without case and accents: two names with one skeleton may be one name to the server. `all`: also without what old
// collations of SQL Server give no weight.
std::string skeleton(std::string_view name, bool all = true);

}  // namespace vmc::sql::mssql
