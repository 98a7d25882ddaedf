#include "sources/mssql/bulk_writer.hpp"

#include <cstring>
#include <deque>

#include <fmt/format.h>

#include "core/cleanup.hpp"
#include "sources/mssql/numeric.hpp"

namespace vmc::sources::mssql {
namespace {

using data::Kind;

constexpr const char* kInstant = "SQL Server cannot hold this instant";
constexpr const char* kFraction = "the value is finer than the column keeps";
constexpr const char* kTooLong = "the value is longer than the column";
constexpr const char* kTooShort = "the value is shorter than the column, which would fill it up";
constexpr const char* kTooLarge = "the number is outside the range of the column's type";
constexpr std::int64_t kDay1900 = -25'567;

// Digits of a second that a time of this scale keeps.
bool keeps_micros(std::int64_t micros, int scale) {
  static constexpr std::int64_t kUnits[] = {1'000'000, 100'000, 10'000, 1'000, 100, 10};
  return scale >= 6 || micros % kUnits[scale] == 0;
}

// The text has been checked to be UTF-8.
void to_utf16(std::string_view text, std::string& out, bool& wide) {
  out.clear();
  out.reserve(2 * text.size());
  const auto put = [&](unsigned unit) {
    out += static_cast<char>(unit & 0xff);
    out += static_cast<char>(unit >> 8);
  };
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      put(lead);
      ++i;
      continue;
    }
    wide = true;
    const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    unsigned point = lead & (0x3f >> more);
    for (int k = 1; k <= more; ++k)
      point = point << 6 | (static_cast<unsigned char>(text[i + static_cast<std::size_t>(k)]) & 0x3f);
    i += static_cast<std::size_t>(more) + 1;
    if (point < 0x10000) {
      put(point);
    } else {
      put(0xd800 + ((point - 0x10000) >> 10));
      put(0xdc00 + ((point - 0x10000) & 0x3ff));
    }
  }
}

bool is(const CatalogueType& type, std::initializer_list<std::string_view> names) {
  for (auto name : names)
    if (type.name == name) return true;
  return false;
}

bool fits_whole(std::int64_t value, const CatalogueType& type) {
  if (type.name == "tinyint") return value >= 0 && value <= 255;
  if (type.name == "smallint") return value == static_cast<std::int16_t>(value);
  return type.name != "int" || value == static_cast<std::int32_t>(value);
}

// Ten-thousandths in 64 and in 32 bits.
bool fits_money(data::Int128 unscaled, const TargetColumn& target) {
  const bool small = target.type.name == "smallmoney";
  if ((!small && target.type.name != "money") || target.rows.scale > 4) return true;
  const auto value = unscaled * data::power_of_ten(4u - target.rows.scale);
  return small ? value == static_cast<std::int32_t>(value) : value == static_cast<std::int64_t>(value);
}

// datetime begins in 1753; smalldatetime ends with 2079-06-06.
bool fits_old_type(std::int64_t micros, const CatalogueType& type) {
  constexpr std::int64_t kDay1753 = -79'257, kDay2079 = 39'968;
  if (type.name == "datetime") return micros >= kDay1753 * kDayMicros;
  return type.name != "smalldatetime" || (micros >= kDay1900 * kDayMicros && micros < (kDay2079 + 1) * kDayMicros);
}

// The type of the variable that bcp_bind() is told of.
int bound_type(Kind kind) {
  switch (kind) {
    case Kind::boolean:
      return SYBBIT;
    case Kind::int64:
      return SYBINT8;
    case Kind::float64:
      return SYBFLT8;
    case Kind::decimal:
      return SYBNUMERIC;
    case Kind::bytes:
      return SYBBINARY;
    case Kind::date:
      return SYBMSDATE;
    case Kind::time:
      return SYBMSTIME;
    case Kind::timestamp:
      return SYBMSDATETIME2;
    case Kind::timestamptz:
      return SYBMSDATETIMEOFFSET;
    case Kind::uuid:
      return 36;
    default:
      return SYBCHAR;
  }
}

void set_instant(DBDATETIMEALL& at, std::int64_t micros, bool dated) {
  at = {};
  auto day = micros / kDayMicros;
  if (micros % kDayMicros < 0) --day;
  at.time = static_cast<DBUBIGINT>(micros - day * kDayMicros) * 10;
  at.date = dated ? static_cast<DBINT>(day - kDay1900) : 0;
  at.time_prec = 7;
  at.has_time = 1;
  at.has_date = dated ? 1 : 0;
}

}  // namespace

// Times with seven digits: what the library calls them in INSERT BULK names no scale, and means that one.
std::string TargetColumn::staged_as() const {
  switch (kind) {
    case Kind::boolean:
      return "bit";
    case Kind::int64:
      return "bigint";
    case Kind::float64:
      return "float";
    case Kind::decimal:
      return fmt::format("decimal({},{})", rows.precision, rows.scale);
    case Kind::date:
      return "date";
    case Kind::time:
      return "time(7)";
    case Kind::timestamp:
      return "datetime2(7)";
    case Kind::timestamptz:
      return "datetimeoffset(7)";
    case Kind::uuid:
      return "uniqueidentifier";
    case Kind::bytes:
      if (is(type, {"varbinary", "binary"}) && type.max_length > 0)
        return fmt::format("varbinary({})", type.max_length);
      return "varbinary(max)";
    default:
      break;
  }
  if (is(type, {"time", "datetime2", "datetimeoffset"})) return "nvarchar(40)";
  int units = type.max_length;
  if (is(type, {"nvarchar", "nchar"}) && units > 0) units /= 2;
  const auto size = units > 0 && units <= 4000 && !is(type, {"text", "ntext", "xml"}) ? std::to_string(units) : "max";
  return "nvarchar(" + size + ")" + (collation.empty() ? "" : " COLLATE " + collation);
}

// Where a value of any kind stands while its row is sent.
struct BulkWriter::Cell {
  union {
    std::int64_t integer = 0;
    double real;
    unsigned char bit;
  };
  DBNUMERIC numeric{};
  DBDATETIMEALL at{};
  std::array<std::uint8_t, 16> uuid{};
  std::string text;
  const void* data = nullptr;
  int size = -1;  // 0: null
};

Result<void> BulkWriter::begin(const std::string& stage) {
  VMC_CHECK(db_.inside([&] { return bcp_init(db_.handle(), stage.c_str(), nullptr, nullptr, DB_IN) == SUCCEED; }));
  return {};
}

Result<void> BulkWriter::write(const data::Batch& batch) {
  const auto refuse = [&](std::size_t column, const char* why) {
    return fail(Code::invalid_request,
                fmt::format("column '{}', row {}: {}", columns_[column].name, written_ + 1, why));
  };
  const auto columns = columns_.size();
  std::vector<std::int64_t> marks((columns + kMarksPerColumn - 1) / kMarksPerColumn);
  std::deque<Cell> cells(columns);
  std::int64_t ordinal = 0;
  auto* db = db_.handle();
  const auto bind = [&]() {
    bool ok = true;
    int place = 0;
    const auto one = [&](void* at, int type) {
      ok = bcp_bind(db, static_cast<BYTE*>(at), 0, -1, nullptr, 0, type, ++place) == SUCCEED && ok;
    };
    for (std::size_t i = 0; i < columns; ++i) one(&cells[i], bound_type(columns_[i].kind));
    for (auto& mark : marks) one(&mark, SYBINT8);
    one(&ordinal, SYBINT8);
    return ok;
  };
  VMC_CHECK(db_.inside(bind));
  for (std::size_t row = 0; row < batch.rows; ++row) {
    std::fill(marks.begin(), marks.end(), 0);
    for (std::size_t i = 0; i < columns; ++i) {
      auto& cell = cells[i];
      cell.size = -1;
      if (batch.columns[i].is_null(row))
        cell.size = 0;
      else if (const char* why = encode(i, batch.columns[i], row, cell))
        return refuse(i, why);
      else if (cell.size == 0) {
        marks[i / kMarksPerColumn] |= std::int64_t{1} << (i % kMarksPerColumn);
        seen_[i].empty = true;
      }
    }
    ordinal = ++written_;
    const auto send = [&] {
      for (std::size_t i = 0; i < columns; ++i) {
        const int place = static_cast<int>(i) + 1;
        if (cells[i].size != 0) bcp_colptr(db, static_cast<BYTE*>(const_cast<void*>(cells[i].data)), place);
        bcp_collen(db, cells[i].size, place);
      }
      return bcp_sendrow(db) == SUCCEED;
    };
    VMC_CHECK(db_.inside(send));
  }
  return {};
}

Result<void> BulkWriter::finish() {
  return db_.inside([&] { return bcp_done(db_.handle()) >= 0; });
}

const char* BulkWriter::encode(std::size_t i, const data::Column& from, std::size_t row, Cell& cell) {
  const auto& target = columns_[i];
  switch (target.kind) {
    case Kind::boolean:
      cell.bit = from.bools()[row];
      cell.data = &cell.bit;
      return nullptr;
    case Kind::int64:
      cell.integer = from.int64s()[row];
      cell.data = &cell.integer;
      if (!fits_whole(cell.integer, target.type)) return kTooLarge;
      return nullptr;
    case Kind::float64:
      cell.real = from.doubles()[row];
      cell.data = &cell.real;
      if (!fits_float(cell.real)) return "SQL Server holds neither NaN, infinity nor numbers this small";
      if (target.type.name == "real" && static_cast<double>(static_cast<float>(cell.real)) != cell.real)
        return "the column is a real and would round the number";
      return nullptr;
    case Kind::decimal:
      if (!fits_money(from.decimals()[row], target)) return kTooLarge;
      cell.numeric = to_numeric(from.decimals()[row], target.rows);
      cell.data = &cell.numeric;
      return nullptr;
    case Kind::date: {
      const auto days = from.int32s()[row];
      if (!fits_date(days)) return kInstant;
      set_instant(cell.at, days * kDayMicros, true);
      cell.data = &cell.at;
      return nullptr;
    }
    case Kind::time: {
      const auto micros = from.int64s()[row];
      if (micros < 0 || micros >= kDayMicros) return "SQL Server's time ends before 24:00:00";
      if (!keeps_micros(micros, target.type.scale)) return kFraction;
      set_instant(cell.at, micros, false);
      cell.data = &cell.at;
      return nullptr;
    }
    case Kind::timestamp:
    case Kind::timestamptz: {
      const auto micros = from.int64s()[row];
      if (!fits_instant(micros)) return kInstant;
      if (!fits_old_type(micros, target.type)) return kInstant;
      if (target.type.name == "datetime" && !is_datetime_tick(micros)) return kFraction;
      if (target.type.name == "smalldatetime" && micros % 60'000'000 != 0) return kFraction;
      if (is(target.type, {"datetime2", "datetimeoffset"}) && !keeps_micros(micros, target.type.scale))
        return kFraction;
      set_instant(cell.at, micros, true);
      cell.at.has_offset = target.kind == Kind::timestamptz;
      cell.data = &cell.at;
      return nullptr;
    }
    case Kind::uuid:
      cell.uuid = swapped_uuid(from.uuid(row).data());
      cell.data = cell.uuid.data();
      return nullptr;
    case Kind::bytes: {
      const auto bytes = from.text(row);
      cell.data = bytes.data();
      cell.size = static_cast<int>(bytes.size());
      const int most = target.type.max_length;
      const bool bounded = is(target.type, {"varbinary", "binary"}) && most > 0;
      if (bounded && cell.size > most) return kTooLong;
      if (target.type.name == "binary" && cell.size != most)
        return kTooShort;
      seen_[i].bytes += cell.size;
      return nullptr;
    }
    default:
      return encode_text(target, from.text(row), seen_[i], cell);
  }
}

const char* BulkWriter::encode_text(const TargetColumn& target, std::string_view text, Seen& seen, Cell& cell) {
  bool wide = false;
  to_utf16(text, cell.text, wide);
  cell.data = cell.text.data();
  cell.size = static_cast<int>(cell.text.size());
  const int most = target.type.max_length;
  if (is(target.type, {"nvarchar", "nchar"}) && most > 0 && cell.size > most) return kTooLong;
  if (is(target.type, {"varchar", "char"}) && most > 0 && cell.size / 2 > most) return kTooLong;
  if (target.type.name == "nchar" && cell.size < most) return kTooShort;
  const bool counts_bytes = target.collation.ends_with("_UTF8");
  const auto kept = counts_bytes ? static_cast<int>(text.size()) : cell.size / 2;
  if (target.type.name == "char" && kept < most) return kTooShort;
  if (is(target.type, {"time", "datetime2", "datetimeoffset"}) && cell.size > 80) return kTooLong;
  seen.wide = seen.wide || wide;
  seen.bytes += cell.size;
  return nullptr;
}

}  // namespace vmc::sources::mssql
