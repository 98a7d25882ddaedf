#include <algorithm>
#include <optional>

#include "data/value.hpp"
#include "sources/sqlite/database.hpp"
#include "sql/dialect.hpp"

namespace vmc::sources::sqlite {
namespace {

int sign(auto difference) { return difference < 0 ? -1 : difference > 0 ? 1 : 0; }

// What parses comes first, in order of its meaning; the rest after it, in order of its bytes.
template <class Parsed>
int ordered(const Parsed& a, const Parsed& b, std::string_view left, std::string_view right, auto compare) {
  if (a && b) return compare(*a, *b);
  if (a || b) return a ? -1 : 1;
  return sign(left.compare(right));
}

struct Digits {
  bool negative = false;
  std::string_view integer;   // without leading zeros
  std::string_view fraction;  // without trailing zeros
  bool zero() const { return integer.empty() && fraction.empty(); }
};

std::optional<Digits> plain_digits(std::string_view text) {
  Digits out;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    out.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  const auto dot = std::min(text.find('.'), text.size());
  out.integer = text.substr(0, dot);
  if (dot < text.size()) out.fraction = text.substr(dot + 1);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (out.integer.empty() && out.fraction.empty()) return std::nullopt;
  if (!std::all_of(out.integer.begin(), out.integer.end(), is_digit)) return std::nullopt;
  if (!std::all_of(out.fraction.begin(), out.fraction.end(), is_digit)) return std::nullopt;
  out.integer.remove_prefix(std::min(out.integer.find_first_not_of('0'), out.integer.size()));
  out.fraction = out.fraction.substr(0, out.fraction.find_last_not_of('0') + 1);
  if (out.zero()) out.negative = false;
  return out;
}

int compare_digits(const Digits& a, const Digits& b) {
  if (a.negative != b.negative) return a.negative ? -1 : 1;
  int order = a.integer.size() != b.integer.size() ? (a.integer.size() < b.integer.size() ? -1 : 1)
                                                   : sign(a.integer.compare(b.integer));
  if (order == 0) order = sign(a.fraction.compare(b.fraction));
  return a.negative ? -order : order;
}

int compare_decimals(std::string_view left, std::string_view right) {
  std::string canonical[2];
  const auto digits = [](std::string_view text, std::string& room) {
    auto out = plain_digits(text);
    if (out) return out;
    auto number = data::canonical_number(text);  // an exponent
    if (!number) return out;
    room = std::move(*number);
    return plain_digits(room);
  };
  return ordered(digits(left, canonical[0]), digits(right, canonical[1]), left, right, compare_digits);
}

std::optional<std::int64_t> instant(std::string_view text) {
  if (auto local = data::parse_timestamp(text, false)) return *local;
  if (auto zoned = data::parse_timestamp(text, true)) return *zoned;
  return std::nullopt;
}

std::optional<std::int64_t> time_of_day(std::string_view text) {
  if (auto time = data::parse_time(text)) return *time;
  return std::nullopt;
}

int compare_numbers(std::int64_t a, std::int64_t b) { return a < b ? -1 : a > b ? 1 : 0; }

int compare_instants(std::string_view left, std::string_view right) {
  return ordered(instant(left), instant(right), left, right, compare_numbers);
}

int compare_times(std::string_view left, std::string_view right) {
  return ordered(time_of_day(left), time_of_day(right), left, right, compare_numbers);
}

template <int (*compare)(std::string_view, std::string_view)>
int collate(void*, int left_size, const void* left, int right_size, const void* right) {
  return compare({static_cast<const char*>(left), static_cast<std::size_t>(left_size)},
                 {static_cast<const char*>(right), static_cast<std::size_t>(right_size)});
}

}  // namespace

void register_collations(sqlite3* db) {
  sqlite3_create_collation_v2(db, sql::kDecimalCollation, SQLITE_UTF8, nullptr, collate<compare_decimals>,
                              nullptr);
  sqlite3_create_collation_v2(db, sql::kInstantCollation, SQLITE_UTF8, nullptr, collate<compare_instants>,
                              nullptr);
  sqlite3_create_collation_v2(db, sql::kTimeCollation, SQLITE_UTF8, nullptr, collate<compare_times>, nullptr);
}

}  // namespace vmc::sources::sqlite
