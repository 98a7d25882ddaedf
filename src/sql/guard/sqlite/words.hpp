// SQLite's words: which cannot be names, and which begin something else than a query.
#pragma once

#include <string_view>

namespace vmc::sql::sqlite {

// Folded. All other keywords are names wherever the grammar expects one ("replace", "end", "desc" …).
bool is_reserved(std::string_view word);
// LEFT, NATURAL …: names, but never an alias without AS.
bool is_join_word(std::string_view word);

// A word that begins a statement which is no query, here or in the dialects people come from.
struct Verb {
  std::string_view word;
  std::string_view what;  // a sentence without its full stop
  bool writes = true;     // otherwise it is merely not offered
};
const Verb* find_verb(std::string_view word);

}  // namespace vmc::sql::sqlite
