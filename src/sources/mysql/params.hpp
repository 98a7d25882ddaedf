// Parameters of one statement in the form the protocol sends: each in its own type, never as text within the statement.
#pragma once

#include <mysql.h>

#include <deque>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "data/value.hpp"

namespace vmc::sources::mysql {

class Params {
 public:
  Params& text(std::string value) { return bytes(MYSQL_TYPE_STRING, std::move(value)); }
  Params& binary(std::string value) { return bytes(MYSQL_TYPE_BLOB, std::move(value)); }
  Params& number(std::int64_t value);
  Params& null();
  // INVALID_REQUEST for what MySQL cannot hold: infinite instants, years past 9999, NaN.
  Result<void> value(const data::Value& value);

  std::size_t size() const { return kept_.size(); }
  MYSQL_BIND* binds();
  void clear() { kept_.clear(); }

 private:
  struct Kept {
    enum_field_types type = MYSQL_TYPE_NULL;
    std::string text;
    std::int64_t integer = 0;
    double real = 0;
    MYSQL_TIME time{};
    unsigned long size = 0;
  };
  Params& bytes(enum_field_types type, std::string value);
  Kept& add(enum_field_types type);
  std::deque<Kept> kept_;  // stable addresses
  std::vector<MYSQL_BIND> binds_;
};

// The date and time of day of an instant; false: MySQL has no such date.
bool civil(std::int64_t micros, MYSQL_TIME& out);
bool civil_date(std::int32_t days, MYSQL_TIME& out);
// Days since 1970-01-01 of a date in the proleptic Gregorian calendar, as MySQL counts.
std::int32_t days_of(int year, unsigned month, unsigned day);

}  // namespace vmc::sources::mysql
