// The few SQL fragments that differ between our databases. They stand as comments in the one shared text, so
// that SQLite, which needs none of them, reads over them; a backend that needs one puts its words there when
// it prepares the statement. A text is thus written once and is valid everywhere.
#pragma once

#include <array>
#include <string_view>

namespace vmc::store {

struct Fragment {
  std::string_view comment;   // as written in the text
  std::string_view postgres;  // what PostgreSQL reads instead
};

// At the end of the SELECT that picks rows of a queue. SQLite has one writer, so nothing is ever locked.
inline constexpr std::string_view kSkipLocked = "/*skip locked*/";

inline constexpr std::array kFragments{
    Fragment{kSkipLocked, "FOR UPDATE SKIP LOCKED"},
};

}  // namespace vmc::store
