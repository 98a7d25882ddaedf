// The hints of a table: WITH (NOLOCK), or (NOLOCK) alone.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sql/guard/mssql/parser.hpp"

namespace vmc::sql::mssql {
namespace {

// READCOMMITTEDLOCK, ROWLOCK and PAGLOCK only choose how small the locks are that reading takes and gives back at once.
constexpr auto kReading = std::to_array<std::string_view>({
    "forcescan", "noexpand", "nolock", "nowait", "paglock", "readcommitted", "readcommittedlock", "readpast",
    "readuncommitted", "rowlock", "snapshot",
});
constexpr auto kLocking = std::to_array<std::string_view>({
    "holdlock", "repeatableread", "serializable", "tablock", "tablockx", "updlock", "xlock",
});
static_assert(std::is_sorted(kReading.begin(), kReading.end()));
static_assert(std::is_sorted(kLocking.begin(), kLocking.end()));

bool is_reading(std::string_view word) { return std::binary_search(kReading.begin(), kReading.end(), word); }
bool is_locking(std::string_view word) { return std::binary_search(kLocking.begin(), kLocking.end(), word); }

}  // namespace

// Without WITH the parentheses could be those of a call.
bool Parser::at_old_hints() const {
  const auto& word = peek(1);
  return peek().is("(") && word.kind == Token::Kind::word &&
         (is_reading(word.name) || is_locking(word.name) || word.name == "index" || word.name == "forceseek");
}

// The comma between two hints may be left out.
void Parser::table_hints() {
  expect("(");
  do table_hint();
  while (accept(",") || (!refused() && !peek().is(")")));
  expect(")");
}

void Parser::table_hint() {
  const auto& token = peek();
  if (token.kind != Token::Kind::word) return not_understood();
  take();
  if (is_reading(token.name)) return;
  if (token.name == "index") return index_hint();
  if (token.name == "forceseek") return force_seek();
  if (is_locking(token.name))
    return refuse(token, fmt::format("{} keeps locks that hold up others", token.text), "Leave the hint out.");
  refuse(token, fmt::format("the table hint '{}' is not known as harmless", token.text), "Leave it out.");
}

// INDEX (ix, 2), INDEX = ix. An index puts the rows into the order of columns that are not named here: those of the whole
// table are read, unless it is the table itself (0) or its clustered index (1).
void Parser::index_hint() {
  const auto& token = peek();
  const bool equals = accept("="), list = accept("(");
  if (!equals && !list) return not_understood();
  bool ordered = false;
  do {
    ordered = ordered || (peek().text != "0" && peek().text != "1");
    if (peek().kind == Token::Kind::number) take();
    else name();
  } while (list && accept(","));
  if (list) expect(")");
  if (ordered) index_chosen(token);
}

void Parser::index_chosen(const Token& token) {
  index_chosen_ = true;
  if (!block_ || block_->items.empty()) return;
  auto& item = block_->items.back();
  item.uses.push_back(whole_of(item, token.at));
}

// FORCESEEK, FORCESEEK (ix (customer_id)); in OPTION without columns, as no table is read there.
void Parser::force_seek() {
  const auto& begin = peek();
  if (!block_ || !accept("(")) return;
  index_chosen(begin);
  if (peek().kind == Token::Kind::number) take();
  else name();
  expect("(");
  const auto first_use = uses_->size();
  do {
    const auto& token = peek();
    column(path(), token);
  } while (accept(","));
  see_items(*uses_, first_use, block_->items.size() - 1, block_->items.size() - 1);
  expect(")");
  expect(")");
}

}  // namespace vmc::sql::mssql
