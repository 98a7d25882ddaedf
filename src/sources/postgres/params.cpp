#include "sources/postgres/params.hpp"

#include <bit>

#include "sources/postgres/byte_order.hpp"

namespace vmc::sources::postgres {
namespace {

constexpr std::int64_t kEpochMicros = 946'684'800'000'000;  // 2000-01-01
constexpr std::int32_t kEpochDays = 10'957;

template <class Unsigned>
std::string wire(Unsigned value) {
  std::string out(sizeof value, '\0');
  store_big(out.data(), value);
  return out;
}

Error out_of_range() {
  return fail(Code::invalid_request, "a value is an instant that PostgreSQL cannot hold");
}

}  // namespace

bool to_server_micros(std::int64_t ours, std::int64_t& theirs) {
  if (ours == data::kInfinity || ours == data::kMinusInfinity) return theirs = ours, true;
  return !__builtin_sub_overflow(ours, kEpochMicros, &theirs) && theirs != data::kMinusInfinity;
}
bool to_server_days(std::int32_t ours, std::int32_t& theirs) {
  if (ours == INT32_MAX || ours == INT32_MIN) return theirs = ours, true;
  return !__builtin_sub_overflow(ours, kEpochDays, &theirs) && theirs != INT32_MIN;
}
bool from_server_micros(std::int64_t theirs, std::int64_t& ours) {
  if (theirs == data::kInfinity || theirs == data::kMinusInfinity) return ours = theirs, true;
  return !__builtin_add_overflow(theirs, kEpochMicros, &ours) && ours != data::kInfinity;
}
bool from_server_days(std::int32_t theirs, std::int32_t& ours) {
  if (theirs == INT32_MAX || theirs == INT32_MIN) return ours = theirs, true;
  return !__builtin_add_overflow(theirs, kEpochDays, &ours) && ours != INT32_MAX;
}

Params& Params::put(std::string value, int format, Oid type) {
  values_.push_back(std::move(value));
  pointers_.push_back(values_.back().c_str());
  lengths_.push_back(static_cast<int>(values_.back().size()));
  formats_.push_back(format);
  types_.push_back(type);
  return *this;
}

Params& Params::number(std::int64_t value) { return put(wire(static_cast<std::uint64_t>(value)), 1, 20); }

Result<void> Params::value(const data::Value& value) {
  if (const auto* truth = std::get_if<bool>(&value)) {
    put(std::string(1, *truth ? '\1' : '\0'), 1, 16);
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    number(*integer);
  } else if (const auto* real = std::get_if<double>(&value)) {
    put(wire(std::bit_cast<std::uint64_t>(*real)), 1, 701);
  } else if (const auto* bytes = std::get_if<Bytes>(&value)) {
    put(std::string{as_text(*bytes)}, 1, 17);
  } else if (const auto* date = std::get_if<data::Date>(&value)) {
    std::int32_t days = 0;
    if (!to_server_days(date->days, days)) return out_of_range();
    put(wire(static_cast<std::uint32_t>(days)), 1, 1082);
  } else if (const auto* time = std::get_if<data::Time>(&value)) {
    put(wire(static_cast<std::uint64_t>(time->micros)), 1, 1083);
  } else if (const auto* uuid = std::get_if<data::Uuid>(&value)) {
    put(std::string{as_text(uuid->bytes)}, 1, 2950);
  } else {
    const auto* local = std::get_if<data::Timestamp>(&value);
    const auto* zoned = std::get_if<data::TimestampTz>(&value);
    if (local || zoned) {
      std::int64_t micros = 0;
      if (!to_server_micros(local ? local->micros : zoned->micros, micros)) return out_of_range();
      put(wire(static_cast<std::uint64_t>(micros)), 1, local ? 1114 : 1184);
    } else {
      auto form = data::format(value);
      if (form.find('\0') != form.npos)
        return fail(Code::invalid_request, "a text value holds a NUL, which PostgreSQL does not");
      put(std::move(form), 0, 0);
    }
  }
  return {};
}

}  // namespace vmc::sources::postgres
