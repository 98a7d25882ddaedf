#include "sources/mssql/params.hpp"

#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include "sources/mssql/types.hpp"

namespace vmc::sources::mssql {
namespace {

constexpr int kNvarchar = 231, kNtext = 99, kImage = 34, kVarbinary = 37;
// What fits in a type with a limit; the library cuts what is longer without a word.
constexpr std::size_t kShort = 4000;

template <class T>
std::string bytes_of(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

Error out_of_range() { return fail(Code::invalid_request, "a value is one that SQL Server cannot hold"); }

}  // namespace

void Params::add(const char* declared_as, int type, std::string bytes) {
  params_.push_back({declared_as, type, std::move(bytes)});
}

Params& Params::text(std::string value) {
  const bool brief = value.size() <= kShort;
  params_.push_back({brief ? "nvarchar(4000)" : "nvarchar(max)", brief ? kNvarchar : kNtext, std::move(value)});
  params_.back().empty = "N''";
  return *this;
}

Params& Params::number(std::int64_t value) {
  add("bigint", SYBINT8, bytes_of(value));
  return *this;
}

Result<void> Params::value(const data::Value& value) {
  if (data::is_null(value)) {
    text("");
    params_.back().null = true;
  } else if (const auto* truth = std::get_if<bool>(&value)) {
    add("bit", SYBBIT, std::string(1, *truth ? '\1' : '\0'));
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    number(*integer);
  } else if (const auto* real = std::get_if<double>(&value)) {
    if (!fits_float(*real)) return out_of_range();
    add("float", SYBFLT8, bytes_of(*real));
  } else if (const auto* bytes = std::get_if<Bytes>(&value)) {
    const bool brief = bytes->size() <= kShort;
    params_.push_back(
        {brief ? "varbinary(8000)" : "varbinary(max)", brief ? kVarbinary : kImage, std::string{as_text(*bytes)}});
    params_.back().empty = "0x";
  } else if (const auto* date = std::get_if<data::Date>(&value)) {
    if (!fits_date(date->days)) return out_of_range();
    text(data::format_date(date->days));
  } else if (const auto* local = std::get_if<data::Timestamp>(&value)) {
    if (!fits_instant(local->micros)) return out_of_range();
    text(data::format_timestamp(local->micros, false));
  } else if (const auto* zoned = std::get_if<data::TimestampTz>(&value)) {
    if (!fits_instant(zoned->micros)) return out_of_range();
    text(data::format_timestamp(zoned->micros, false) + " +00:00");
  } else if (const auto* time = std::get_if<data::Time>(&value)) {
    if (time->micros < 0 || time->micros >= kDayMicros) return out_of_range();
    text(data::format_time(time->micros));
  } else {
    text(data::format(value));
  }
  return {};
}

std::string Params::declared() const {
  std::string out;
  std::size_t n = 0;
  for (const auto& param : params_) {
    ++n;
    if (param.empty && param.bytes.empty() && !param.null) continue;
    out += fmt::format("{}@p{} {}", out.empty() ? "" : ", ", n, param.declared_as);
  }
  return out;
}

std::string Params::prefix() const {
  std::string out;
  std::size_t n = 0;
  for (const auto& param : params_) {
    ++n;
    if (param.empty && param.bytes.empty() && !param.null)
      out += fmt::format("DECLARE @p{} {} = {}; ", n, param.declared_as, param.empty);
  }
  return out;
}

bool Params::bind(DBPROCESS* to) const {
  std::size_t n = 0;
  for (const auto& param : params_) {
    ++n;
    if (param.empty && param.bytes.empty() && !param.null) continue;
    const auto name = fmt::format("@p{}", n);
    auto* data = reinterpret_cast<BYTE*>(const_cast<char*>(param.bytes.data()));
    const bool sized = param.empty != nullptr;
    if (dbrpcparam(to, name.c_str(), 0, param.type, -1, sized ? static_cast<DBINT>(param.bytes.size()) : -1,
                   param.null ? nullptr : data) != SUCCEED)
      return false;
  }
  return true;
}

bool bind_text(DBPROCESS* to, const char* name, const std::string& text) {
  return dbrpcparam(to, name, 0, text.size() <= kShort ? kNvarchar : kNtext, -1, static_cast<DBINT>(text.size()),
                    reinterpret_cast<BYTE*>(const_cast<char*>(text.data()))) == SUCCEED;
}

}  // namespace vmc::sources::mssql
