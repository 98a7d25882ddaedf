// Dates and times as text, exact in both directions, for every value the columns can hold.
// The calendar arithmetic follows Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms", in 64 bits,
// because a timestamp column reaches further than any calendar type of the standard library.
#include <optional>

#include "data/value.hpp"

namespace vmc::data {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kDay = 86'400 * kSecond;

struct Civil {
  std::int64_t year;
  unsigned month, day;
};

std::int64_t days_from_civil(std::int64_t year, unsigned month, unsigned day) {
  year -= month <= 2;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + static_cast<std::int64_t>(day_of_era) - 719'468;
}

Civil civil_from_days(std::int64_t days) {
  days += 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const auto day_of_era = static_cast<unsigned>(days - era * 146'097);
  const unsigned year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned shifted = (5 * day_of_year + 2) / 153;
  const unsigned month = shifted < 10 ? shifted + 3 : shifted - 9;
  return {static_cast<std::int64_t>(year_of_era) + era * 400 + (month <= 2), month,
          day_of_year - (153 * shifted + 2) / 5 + 1};
}

unsigned days_in_month(std::int64_t year, unsigned month) {
  constexpr unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : days[month - 1];
}

void put_number(std::string& out, std::int64_t value, std::size_t digits) {
  const auto text = std::to_string(value);
  if (text.size() < digits) out.append(digits - text.size(), '0');
  out += text;
}
void put_two(std::string& out, std::int64_t value) {
  out += static_cast<char>('0' + value / 10);
  out += static_cast<char>('0' + value % 10);
}

// True when the year is before year 1: " BC" must follow.
bool put_date(std::string& out, std::int64_t days) {
  const auto civil = civil_from_days(days);
  const bool bc = civil.year <= 0;
  put_number(out, bc ? 1 - civil.year : civil.year, 4);
  out += '-';
  put_two(out, civil.month);
  out += '-';
  put_two(out, civil.day);
  return bc;
}

void put_clock(std::string& out, std::int64_t micros) {  // not negative
  const std::int64_t seconds = micros / kSecond;
  if (seconds / 3600 < 100)
    put_two(out, seconds / 3600);
  else
    put_number(out, seconds / 3600, 2);
  out += ':';
  put_two(out, seconds / 60 % 60);
  out += ':';
  put_two(out, seconds % 60);
  if (micros % kSecond == 0) return;
  out += '.';
  put_number(out, micros % kSecond, 6);
  while (out.back() == '0') out.pop_back();
}

// Reads from the front; every step says whether it found what it wanted.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_{text} {}

  bool done() const { return rest_.empty(); }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool next_is(std::string_view word) const { return rest_.starts_with(word); }
  bool take(std::string_view word) {
    if (!next_is(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  bool number(std::size_t least, std::size_t most, std::int64_t& out) {
    std::size_t n = 0;
    for (out = 0; n < rest_.size() && n < most && digit(n); ++n) out = out * 10 + (rest_[n] - '0');
    rest_.remove_prefix(n);
    return n >= least;
  }
  // YYYY-MM-DD; the year is as written, its era follows at the end of the text.
  bool date(std::int64_t& year, std::int64_t& month, std::int64_t& day) {
    return number(4, 7, year) && take('-') && number(2, 2, month) && take('-') && number(2, 2, day) &&
           year >= 1 && month >= 1 && month <= 12 && day >= 1;
  }
  // [H]HH:MM[:SS[.ffffff]]
  bool clock(std::size_t hour_digits, std::int64_t hour_max, std::int64_t& micros) {
    std::int64_t hours = 0, minutes = 0, seconds = 0, fraction = 0;
    if (!number(2, hour_digits, hours) || hours > hour_max || !take(':')) return false;
    if (!number(2, 2, minutes) || minutes > 59) return false;
    if (take(':')) {
      if (!number(2, 2, seconds) || seconds > 59) return false;
      if (take('.') && !fraction_digits(fraction)) return false;
    }
    micros = ((hours * 60 + minutes) * 60 + seconds) * kSecond + fraction;
    return true;
  }
  // Z, +00, -05:30, +0530, +05:53:28
  bool offset(std::int64_t& micros) {
    micros = 0;
    if (take('Z')) return true;
    const bool west = take('-');
    if (!west && !take('+')) return false;
    std::int64_t hours = 0, minutes = 0, seconds = 0;
    if (!number(2, 2, hours) || hours > 15) return false;
    if (take(':') || (!rest_.empty() && digit(0))) {
      if (!number(2, 2, minutes) || minutes > 59) return false;
      if (take(':') && (!number(2, 2, seconds) || seconds > 59)) return false;
    }
    micros = (hours * 3600 + minutes * 60 + seconds) * kSecond * (west ? -1 : 1);
    return true;
  }

 private:
  bool digit(std::size_t i) const { return rest_[i] >= '0' && rest_[i] <= '9'; }
  // Up to microseconds; further digits must be zero.
  bool fraction_digits(std::int64_t& out) {
    std::size_t n = 0;
    std::int64_t unit = 100'000;
    for (out = 0; n < rest_.size() && digit(n); ++n, unit /= 10) {
      if (unit == 0 && rest_[n] != '0') return false;
      out += (rest_[n] - '0') * unit;
    }
    rest_.remove_prefix(n);
    return n > 0;
  }
  std::string_view rest_;
};

// Takes " BC" if it is there; nothing when the month has no such day.
std::optional<std::int64_t> end_of_date(Scanner& in, std::int64_t year, std::int64_t month,
                                        std::int64_t day) {
  if (in.take(" BC")) year = 1 - year;
  const auto month_number = static_cast<unsigned>(month);
  if (day > days_in_month(year, month_number)) return std::nullopt;
  return days_from_civil(year, month_number, static_cast<unsigned>(day));
}

Error not_a(std::string_view what) {
  return fail(Code::invalid_request, "the text is not a " + std::string{what});
}

}  // namespace

std::string format_date(std::int32_t days) {
  if (days == kDateInfinity) return "infinity";
  if (days == kDateMinusInfinity) return "-infinity";
  std::string out;
  if (put_date(out, days)) out += " BC";
  return out;
}

Result<std::int32_t> parse_date(std::string_view text) {
  if (text == "infinity") return kDateInfinity;
  if (text == "-infinity") return kDateMinusInfinity;
  Scanner in{text};
  std::int64_t year = 0, month = 0, day = 0;
  if (!in.date(year, month, day)) return not_a("date (YYYY-MM-DD)");
  const auto days = end_of_date(in, year, month, day);
  if (!days || !in.done()) return not_a("date (YYYY-MM-DD)");
  if (*days <= kDateMinusInfinity || *days >= kDateInfinity)
    return fail(Code::invalid_request, "the date is outside the range that can be held");
  return static_cast<std::int32_t>(*days);
}

std::string format_time(std::int64_t micros) {
  std::string out;
  // A column never holds INT64_MIN, but formatting must be safe for any value.
  if (micros == INT64_MIN) ++micros;
  if (micros < 0) out += '-';
  put_clock(out, micros < 0 ? -micros : micros);
  return out;
}

Result<std::int64_t> parse_time(std::string_view text) {
  Scanner in{text};
  const bool negative = in.take('-');
  std::int64_t micros = 0;
  if (!in.clock(3, 838, micros) || !in.done()) return not_a("time (HH:MM:SS)");
  if (micros > kTimeMax) return fail(Code::invalid_request, "the time is beyond 838:59:59");
  return negative ? -micros : micros;
}

std::string format_timestamp(std::int64_t micros, bool zone) {
  if (micros == kInfinity) return "infinity";
  if (micros == kMinusInfinity) return "-infinity";
  const std::int64_t days = micros >= 0 ? micros / kDay : -((-(micros + 1)) / kDay) - 1;
  std::string out;
  out.reserve(36);
  const bool bc = put_date(out, days);
  out += ' ';
  put_clock(out, micros >= 0 ? micros % kDay : kDay - 1 - (-(micros + 1)) % kDay);
  if (zone) out += "+00";
  if (bc) out += " BC";
  return out;
}

Result<std::int64_t> parse_timestamp(std::string_view text, bool zone) {
  if (text == "infinity") return kInfinity;
  if (text == "-infinity") return kMinusInfinity;
  constexpr std::string_view what = "timestamp (YYYY-MM-DD HH:MM:SS)";
  Scanner in{text};
  std::int64_t year = 0, month = 0, day = 0, micros = 0, offset = 0;
  if (!in.date(year, month, day)) return not_a(what);
  const bool has_clock = in.take('T') || (!in.next_is(" BC") && in.take(' '));  // "0044-03-15 BC" has none
  if (has_clock && !in.clock(2, 23, micros)) return not_a(what);
  if (zone && !in.offset(offset))
    return fail(Code::invalid_request, "the timestamp has no offset, so that its instant is unknown",
                "end it with Z or an offset such as +05:30");
  const auto days = end_of_date(in, year, month, day);
  if (!days) return not_a(what);
  if (!in.done())
    return zone ? not_a(what) : fail(Code::invalid_request, "the text is not a timestamp without zone");
  const Int128 instant = static_cast<Int128>(*days) * kDay + micros - offset;
  if (instant <= kMinusInfinity || instant >= kInfinity)
    return fail(Code::invalid_request, "the timestamp is outside the range that can be held");
  return static_cast<std::int64_t>(instant);
}

}  // namespace vmc::data
