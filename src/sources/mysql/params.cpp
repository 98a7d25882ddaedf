#include "sources/mysql/params.hpp"

#include <cmath>
#include <cstring>

#include "core/bytes.hpp"

namespace vmc::sources::mysql {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kDay = 86'400 * kSecond;
constexpr std::size_t kDigitsMax = 65;  // of a DECIMAL

Error cannot_hold() { return fail(Code::invalid_request, "a value is one that MySQL cannot hold"); }

void time_of_day(std::int64_t micros, MYSQL_TIME& out) {
  out.second_part = static_cast<unsigned long>(micros % kSecond);
  const auto seconds = micros / kSecond;
  out.hour = static_cast<unsigned>(seconds / 3600);
  out.minute = static_cast<unsigned>(seconds / 60 % 60);
  out.second = static_cast<unsigned>(seconds % 60);
}

}  // namespace

std::int32_t days_of(int year, unsigned month, unsigned day) {
  year -= month <= 2;
  const int era = (year >= 0 ? year : year - 399) / 400;
  const auto of_era = static_cast<unsigned>(year - era * 400);
  const unsigned of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return era * 146'097 + static_cast<int>(of_era * 365 + of_era / 4 - of_era / 100 + of_year) - 719'468;
}

bool civil_date(std::int32_t days, MYSQL_TIME& out) {
  constexpr std::int32_t kFirst = -719'528, kLast = 2'932'896;  // 0000-01-01, 9999-12-31
  if (days < kFirst || days > kLast) return false;
  const int shifted = days + 719'468;
  const int era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
  const auto of_era = static_cast<unsigned>(shifted - era * 146'097);
  const unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36'524 - of_era / 146'096) / 365;
  const unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned month = (5 * of_year + 2) / 153;
  out.day = of_year - (153 * month + 2) / 5 + 1;
  out.month = month < 10 ? month + 3 : month - 9;
  out.year = static_cast<unsigned>(static_cast<int>(year_of_era) + era * 400 + (out.month <= 2));
  out.time_type = MYSQL_TIMESTAMP_DATE;
  return true;
}

bool civil(std::int64_t micros, MYSQL_TIME& out) {
  auto days = micros / kDay;
  if (micros % kDay < 0) --days;
  if (days < INT32_MIN || days > INT32_MAX || !civil_date(static_cast<std::int32_t>(days), out)) return false;
  time_of_day(micros - days * kDay, out);
  out.time_type = MYSQL_TIMESTAMP_DATETIME;
  return true;
}

Params::Kept& Params::add(enum_field_types type) {
  auto& kept = kept_.emplace_back();
  kept.type = type;
  return kept;
}

Params& Params::bytes(enum_field_types type, std::string value) {
  auto& kept = add(type);
  kept.text = std::move(value);
  kept.size = static_cast<unsigned long>(kept.text.size());
  return *this;
}

Params& Params::number(std::int64_t value) {
  add(MYSQL_TYPE_LONGLONG).integer = value;
  return *this;
}

Params& Params::null() {
  add(MYSQL_TYPE_NULL);
  return *this;
}

Result<void> Params::value(const data::Value& value) {
  if (data::is_null(value)) {
    null();
  } else if (const auto* truth = std::get_if<bool>(&value)) {
    number(*truth ? 1 : 0);
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    number(*integer);
  } else if (const auto* real = std::get_if<double>(&value)) {
    if (!std::isfinite(*real)) return cannot_hold();
    add(MYSQL_TYPE_DOUBLE).real = *real;
  } else if (const auto* blob = std::get_if<Bytes>(&value)) {
    binary(std::string{as_text(*blob)});
  } else if (const auto* date = std::get_if<data::Date>(&value)) {
    if (!civil_date(date->days, add(MYSQL_TYPE_DATE).time)) return cannot_hold();
  } else if (const auto* time = std::get_if<data::Time>(&value)) {
    auto& kept = add(MYSQL_TYPE_TIME);
    kept.time.neg = time->micros < 0;
    time_of_day(std::abs(time->micros), kept.time);
    kept.time.time_type = MYSQL_TIMESTAMP_TIME;
  } else if (const auto* local = std::get_if<data::Timestamp>(&value)) {
    if (!civil(local->micros, add(MYSQL_TYPE_DATETIME).time)) return cannot_hold();
  } else if (const auto* zoned = std::get_if<data::TimestampTz>(&value)) {
    if (!civil(zoned->micros, add(MYSQL_TYPE_DATETIME).time)) return cannot_hold();
  } else if (std::holds_alternative<data::Decimal>(value) || std::holds_alternative<data::Number>(value)) {
    auto digits = data::format(value);
    if (digits == "NaN" || digits.size() > kDigitsMax + 2) return cannot_hold();
    bytes(MYSQL_TYPE_NEWDECIMAL, std::move(digits));
  } else {
    text(data::format(value));
  }
  return {};
}

MYSQL_BIND* Params::binds() {
  binds_.assign(kept_.size(), MYSQL_BIND{});
  for (std::size_t i = 0; i < kept_.size(); ++i) {
    auto& kept = kept_[i];
    auto& bind = binds_[i];
    bind.buffer_type = kept.type;
    bind.length = &kept.size;
    bind.buffer_length = kept.size;
    switch (kept.type) {
      case MYSQL_TYPE_LONGLONG:
        bind.buffer = &kept.integer;
        break;
      case MYSQL_TYPE_DOUBLE:
        bind.buffer = &kept.real;
        break;
      case MYSQL_TYPE_DATE:
      case MYSQL_TYPE_TIME:
      case MYSQL_TYPE_DATETIME:
        bind.buffer = &kept.time;
        bind.buffer_length = sizeof kept.time;
        break;
      default:
        bind.buffer = kept.text.data();
    }
  }
  return binds_.data();
}

}  // namespace vmc::sources::mysql
