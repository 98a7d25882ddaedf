#include "sources/postgres/copy_writer.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "sources/postgres/byte_order.hpp"
#include "sources/postgres/params.hpp"

namespace vmc::sources::postgres {
namespace {

using data::Int128;
using data::Kind;

__extension__ typedef unsigned __int128 Uint128;

constexpr std::size_t kPiece = 256 << 10;
// Header: signature, flags, length of the extension; trailer: -1.
constexpr std::string_view kHeader{"PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19};
constexpr std::string_view kTrailer{"\377\377", 2};

// A number of 1,000 digits is 252 groups; nothing of fixed size is longer.
constexpr std::size_t kFixedMax = 1024;

constexpr const char* kTooLarge = "the number is larger than the column's type";
constexpr const char* kInstant = "PostgreSQL cannot hold this instant";
constexpr const char* kFraction = "the value has finer digits than the column keeps";

// Length, then the value: `end` is where the value ended.
char* sized(char* at, std::size_t size) { return store_big(at, static_cast<std::uint32_t>(size)); }

template <class Unsigned>
char* put_fixed(char* at, Unsigned value) {
  return store_big(sized(at, sizeof value), value);
}

struct Groups {
  std::uint16_t digits[300];
  int count = 0;
  int weight = 0;  // of the first one
  void drop_zeros() {
    while (count > 0 && digits[count - 1] == 0) --count;
    int leading = 0;
    while (leading < count && digits[leading] == 0) ++leading;
    std::memmove(digits, digits + leading, sizeof digits[0] * static_cast<std::size_t>(count - leading));
    count -= leading;
    weight = count == 0 ? 0 : weight - leading;
  }
};

char* put_numeric(char* at, Groups& groups, std::uint16_t sign, int scale) {
  groups.drop_zeros();
  at = sized(at, 8 + 2 * static_cast<std::size_t>(groups.count));
  at = store_big(at, static_cast<std::uint16_t>(groups.count));
  at = store_big(at, static_cast<std::uint16_t>(groups.weight));
  at = store_big(at, groups.count == 0 ? std::uint16_t{0} : sign);
  at = store_big(at, static_cast<std::uint16_t>(scale));
  for (int i = 0; i < groups.count; ++i) at = store_big(at, groups.digits[i]);
  return at;
}

constexpr std::uint16_t kPowers[] = {1, 10, 100, 1000, 10'000};

// The groups of an unsigned number below 10^36, the last of them first.
template <class Unsigned>
int split_groups(Unsigned value, std::uint16_t* backwards) {
  int count = 0;
  for (; value != 0; value /= 10'000) backwards[count++] = static_cast<std::uint16_t>(value % 10'000);
  return count;
}

void decimal_groups(Uint128 value, int scale, Groups& out) {
  // Groups are aligned at the point: shift so that the fraction is a whole number of groups.
  const int fraction_groups = (scale + 3) / 4;
  const int shift = fraction_groups * 4 - scale;
  std::uint16_t backwards[16];
  int count = 0;
  if (value < (std::uint64_t{1} << 63) / 1000) {
    count = split_groups(static_cast<std::uint64_t>(value) * kPowers[shift], backwards);
  } else {
    // The lowest group first, so that nothing has to be multiplied beyond 128 bits.
    const auto low = static_cast<std::uint64_t>(value % kPowers[4 - shift]) * kPowers[shift];
    backwards[0] = static_cast<std::uint16_t>(low);
    count = 1 + split_groups(value / kPowers[4 - shift], backwards + 1);
  }
  out.count = count;
  out.weight = count - fraction_groups - 1;
  for (int i = 0; i < count; ++i) out.digits[i] = backwards[count - 1 - i];
}

// Canonical text (checked by the codec and by cast): sign, digits, maybe a point and digits.
int text_groups(std::string_view text, Groups& out) {
  const auto point = std::min(text.find('.'), text.size());
  const auto integer = text.substr(0, point);
  const auto fraction = point < text.size() ? text.substr(point + 1) : std::string_view{};
  const auto digit_at = [](std::string_view digits, std::size_t i) {
    return i < digits.size() ? digits[i] - '0' : 0;
  };
  const std::size_t lead = (4 - integer.size() % 4) % 4;
  for (std::size_t i = 0; i < lead + integer.size(); ++i) {
    if (i % 4 == 0) out.digits[out.count++] = 0;
    const int digit = i < lead ? 0 : integer[i - lead] - '0';
    out.digits[out.count - 1] = static_cast<std::uint16_t>(out.digits[out.count - 1] * 10 + digit);
  }
  out.weight = out.count - 1;
  for (std::size_t i = 0; i < (fraction.size() + 3) / 4 * 4; ++i) {
    if (i % 4 == 0) out.digits[out.count++] = 0;
    out.digits[out.count - 1] =
        static_cast<std::uint16_t>(out.digits[out.count - 1] * 10 + digit_at(fraction, i));
  }
  return static_cast<int>(fraction.size());
}

// numeric(5,-2) keeps whole hundreds.
bool keeps_digits(std::string_view text, int scale, int kept) {
  if (kept >= 0 || scale > 0) return scale <= kept;
  const auto last = text.find_last_not_of("-0");
  return last == text.npos || text.size() - 1 - last >= static_cast<std::size_t>(-kept);
}

// Why char(n) or varchar(n) would not keep the text: the server drops blanks at its end and fills it up in silence.
const char* unfit(std::string_view text, const TargetColumn& target) {
  const bool padded = target.copied_as == oid::bpchar;
  if ((!padded && target.copied_as != oid::varchar) || target.modifier < 4) return nullptr;
  const auto most = static_cast<std::size_t>(target.modifier) - 4;
  if (!padded && text.size() <= most) return nullptr;
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; };
  const auto size = text.size() - static_cast<std::size_t>(std::count_if(text.begin(), text.end(), continues));
  if (size > most) return "the value is longer than the column";
  return padded && size < most ? "the value is shorter than the column, which would fill it up with blanks" : nullptr;
}

// Digits of a second that time(p) and timestamp(p) keep.
bool keeps_micros(std::int64_t micros, int modifier) {
  if (modifier < 0 || modifier >= 6) return true;
  static constexpr std::int64_t kUnits[] = {1'000'000, 100'000, 10'000, 1'000, 100, 10};
  return micros % kUnits[modifier] == 0;
}

}  // namespace

// Writes one value that is not null behind `at`, which has room for kFixedMax bytes.
struct CopyWriter::Cell {
  const TargetColumn& target;
  const data::Column& column;
  char* at;

  const char* put(std::size_t row) {
    switch (column.type().kind) {
      case Kind::boolean:
        at = sized(at, 1);
        *at++ = column.bools()[row] ? '\1' : '\0';
        return nullptr;
      case Kind::int64:
        return integer(column.int64s()[row]);
      case Kind::float64:
        return real(column.doubles()[row]);
      case Kind::decimal:
        return decimal(column.decimals()[row]);
      case Kind::number:
        return number(column.text(row));
      case Kind::date: {
        std::int32_t days = 0;
        if (!to_server_days(column.int32s()[row], days)) return kInstant;
        at = put_fixed(at, static_cast<std::uint32_t>(days));
        return nullptr;
      }
      case Kind::time: {
        const auto micros = column.int64s()[row];
        if (micros < 0 || micros > 86'400'000'000) return "PostgreSQL's time ends at 24:00:00";
        if (!keeps_micros(micros, target.modifier)) return kFraction;
        at = put_fixed(at, static_cast<std::uint64_t>(micros));
        return nullptr;
      }
      case Kind::timestamp:
      case Kind::timestamptz:
        return instant(column.int64s()[row]);
      case Kind::uuid:
        at = sized(at, 16);
        std::memcpy(at, column.uuid(row).data(), 16);
        at += 16;
        return nullptr;
      default:
        return "not a value of fixed size";
    }
  }

  const char* integer(std::int64_t value) {
    switch (target.copied_as) {
      case oid::int8:
        at = put_fixed(at, static_cast<std::uint64_t>(value));
        return nullptr;
      case oid::int4:
        if (value != static_cast<std::int32_t>(value)) return kTooLarge;
        at = put_fixed(at, static_cast<std::uint32_t>(value));
        return nullptr;
      case oid::int2:
        if (value != static_cast<std::int16_t>(value)) return kTooLarge;
        at = put_fixed(at, static_cast<std::uint16_t>(value));
        return nullptr;
      default:
        if (value != static_cast<std::uint32_t>(value)) return kTooLarge;
        at = put_fixed(at, static_cast<std::uint32_t>(value));
        return nullptr;
    }
  }

  const char* real(double value) {
    if (target.copied_as == oid::float8) {
      at = put_fixed(at, std::bit_cast<std::uint64_t>(value));
      return nullptr;
    }
    const auto narrow = static_cast<float>(value);
    if (static_cast<double>(narrow) != value && value == value)
      return "the column is a real and would round the number";
    at = put_fixed(at, std::bit_cast<std::uint32_t>(narrow));
    return nullptr;
  }

  const char* decimal(Int128 value) {
    const int scale = column.type().scale;
    if (const int kept = scale_of(target.modifier); target.own_type() && kept >= 0 && kept < scale)
      return kFraction;
    Groups groups;
    const bool negative = value < 0;
    const auto magnitude = negative ? -static_cast<Uint128>(value) : static_cast<Uint128>(value);
    decimal_groups(magnitude, scale, groups);
    at = put_numeric(at, groups, negative ? 0x4000 : 0, scale);
    return nullptr;
  }

  const char* number(std::string_view text) {
    Groups groups;
    if (text == "NaN") {
      at = put_numeric(at, groups, 0, 0);
      store_big(at - 4, std::uint16_t{0xc000});
      return nullptr;
    }
    const bool negative = text.starts_with('-');
    if (text.size() > 1002) return kTooLarge;
    const int scale = text_groups(text.substr(negative ? 1 : 0), groups);
    if (target.own_type() && target.modifier >= 4 && !keeps_digits(text, scale, scale_of(target.modifier)))
      return kFraction;
    at = put_numeric(at, groups, negative ? 0x4000 : 0, scale);
    return nullptr;
  }

  const char* instant(std::int64_t ours) {
    std::int64_t micros = 0;
    if (!to_server_micros(ours, micros)) return kInstant;
    const bool infinite = ours == data::kInfinity || ours == data::kMinusInfinity;
    if (!infinite && !keeps_micros(micros, target.modifier)) return kFraction;
    at = put_fixed(at, static_cast<std::uint64_t>(micros));
    return nullptr;
  }
};

Oid copied_as(Kind kind, Oid type) {
  const auto own = [&](std::initializer_list<Oid> known, Oid otherwise) {
    for (Oid one : known)
      if (one == type) return type;
    return otherwise;
  };
  switch (kind) {
    case Kind::boolean:
      return oid::boolean;
    case Kind::int64:
      return own({oid::int8, oid::int4, oid::int2, oid::oid}, oid::int8);
    case Kind::float64:
      return own({oid::float8, oid::float4}, oid::float8);
    case Kind::decimal:
    case Kind::number:
      return oid::numeric;
    case Kind::text:
      return own({oid::text, oid::varchar, oid::bpchar}, oid::text);
    case Kind::bytes:
      return oid::bytea;
    case Kind::date:
      return oid::date;
    case Kind::time:
      return oid::time;
    case Kind::timestamp:
      return oid::timestamp;
    case Kind::timestamptz:
      return oid::timestamptz;
    case Kind::uuid:
      return oid::uuid;
    case Kind::json:
      return own({oid::json, oid::jsonb}, oid::text);
  }
  return oid::text;
}

std::string_view name_of(Oid type) {
  switch (type) {
    case oid::boolean:
      return "pg_catalog.bool";
    case oid::int8:
      return "pg_catalog.int8";
    case oid::int4:
      return "pg_catalog.int4";
    case oid::int2:
      return "pg_catalog.int2";
    case oid::oid:
      return "pg_catalog.oid";
    case oid::float8:
      return "pg_catalog.float8";
    case oid::float4:
      return "pg_catalog.float4";
    case oid::varchar:
      return "pg_catalog.varchar";
    case oid::bpchar:
      return "pg_catalog.bpchar";
    case oid::json:
      return "pg_catalog.json";
    case oid::jsonb:
      return "pg_catalog.jsonb";
    case oid::numeric:
      return "pg_catalog.numeric";
    case oid::bytea:
      return "pg_catalog.bytea";
    case oid::date:
      return "pg_catalog.date";
    case oid::time:
      return "pg_catalog.time";
    case oid::timestamp:
      return "pg_catalog.timestamp";
    case oid::timestamptz:
      return "pg_catalog.timestamptz";
    case oid::uuid:
      return "pg_catalog.uuid";
    default:
      return "pg_catalog.text";
  }
}

CopyWriter::CopyWriter(std::vector<TargetColumn> columns, data::RowTypePtr rows, Put put)
    : columns_{std::move(columns)}, rows_{std::move(rows)}, put_{std::move(put)}, buffer_(2 * kPiece) {
  std::memcpy(buffer_.data(), kHeader.data(), kHeader.size());
  size_ = kHeader.size();
}

Result<void> CopyWriter::hand_on() {
  VMC_CHECK(put_({buffer_.data(), size_}));
  size_ = 0;
  return {};
}

Result<void> CopyWriter::write(const data::Batch& batch) {
  const auto refuse = [&](std::size_t column, const char* why) {
    return fail(Code::invalid_request,
                "column '" + columns_[column].name + "', row " + std::to_string(written_ + 1) + ": " + why);
  };
  std::vector<Cell> cells;
  std::vector<bool> sized_text;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const auto& column = batch.columns[i];
    const auto kind = column.type().kind;
    cells.push_back({columns_[i], column, nullptr});
    sized_text.push_back(kind == Kind::text || kind == Kind::json || kind == Kind::bytes);
    const bool text = kind == Kind::text || kind == Kind::json;
    if (text && !column.values().empty() && std::memchr(column.values().data(), 0, column.values().size()))
      return refuse(i, "a text in this batch holds a NUL, which PostgreSQL does not");
  }
  for (std::size_t row = 0; row < batch.rows; ++row, ++written_) {
    std::size_t room = 2;
    for (std::size_t i = 0; i < cells.size(); ++i)
      room += sized_text[i] ? 5 + cells[i].column.text(row).size() : kFixedMax;
    if (size_ + room > kPiece && size_ > 0) VMC_CHECK(hand_on());
    if (buffer_.size() < room) buffer_.resize(room);
    char* at = store_big(buffer_.data() + size_, static_cast<std::uint16_t>(cells.size()));
    for (std::size_t i = 0; i < cells.size(); ++i) {
      auto& cell = cells[i];
      if (cell.column.is_null(row)) {
        at = sized(at, 0xffff'ffff);
      } else if (sized_text[i]) {
        const auto text = cell.column.text(row);
        if (const char* why = unfit(text, cell.target)) return refuse(i, why);
        const bool jsonb = cell.target.copied_as == oid::jsonb;
        at = sized(at, text.size() + (jsonb ? 1 : 0));
        if (jsonb) *at++ = '\1';
        at += text.copy(at, text.size());
      } else {
        cell.at = at;
        if (const char* why = cell.put(row)) return refuse(i, why);
        at = cell.at;
      }
    }
    size_ = static_cast<std::size_t>(at - buffer_.data());
  }
  return {};
}

Result<void> CopyWriter::finish() {
  if (size_ + kTrailer.size() > buffer_.size()) VMC_CHECK(hand_on());
  std::memcpy(buffer_.data() + size_, kTrailer.data(), kTrailer.size());
  size_ += kTrailer.size();
  return hand_on();
}

}  // namespace vmc::sources::postgres
