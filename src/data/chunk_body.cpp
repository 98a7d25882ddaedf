#include "data/chunk_body.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <stdexcept>
#include <unordered_set>

#include <fmt/format.h>

#include "data/text_rules.hpp"

namespace vmc::data {
namespace {

static_assert(std::endian::native == std::endian::little, "buffers are written as they lie in memory");

constexpr std::size_t kFieldOverhead = 2 + 4;  // name length, kind, precision, scale, nullable

Error damaged(std::string what) {
  return fail(Code::buffer_integrity, "the chunk is damaged: " + std::move(what));
}

class Writer {
 public:
  explicit Writer(std::uint8_t* out) : out_{out} {}
  template <class T>
  void number(T value) {
    std::memcpy(out_, &value, sizeof value);
    out_ += sizeof value;
  }
  void raw(const void* data, std::size_t size) {
    if (size != 0) std::memcpy(out_, data, size);
    out_ += size;
  }

 private:
  std::uint8_t* out_;
};

class Reader {
 public:
  explicit Reader(ByteView bytes) : rest_{bytes} {}
  std::size_t left() const { return rest_.size(); }
  template <class T>
  bool number(T& out) {
    if (rest_.size() < sizeof out) return false;
    std::memcpy(&out, rest_.data(), sizeof out);
    rest_ = rest_.subspan(sizeof out);
    return true;
  }
  bool raw(std::size_t size, ByteView& out) {
    if (rest_.size() < size) return false;
    out = rest_.first(size);
    rest_ = rest_.subspan(size);
    return true;
  }

 private:
  ByteView rest_;
};

Result<Field> read_field(Reader& in) {
  std::uint16_t name_size = 0;
  ByteView name;
  std::uint8_t kind = 0, precision = 0, scale = 0, nullable = 0;
  if (!in.number(name_size) || !in.raw(name_size, name) || !in.number(kind) || !in.number(precision) ||
      !in.number(scale) || !in.number(nullable))
    return damaged("it ends inside its columns' names");
  if (!is_valid_utf8(as_text(name))) return damaged("a column's name is not UTF-8");
  if (kind < static_cast<std::uint8_t>(Kind::boolean) || kind > static_cast<std::uint8_t>(Kind::json))
    return damaged(fmt::format("kind {} is not known", kind));
  if (nullable > 1) return damaged("a flag is neither 0 nor 1");
  const Type type{static_cast<Kind>(kind), precision, scale};
  const bool sized = type.kind == Kind::decimal
                         ? precision >= 1 && precision <= kDecimalDigits && scale <= kDecimalDigits
                         : precision == 0 && scale == 0;
  if (!sized) return damaged("a precision or scale is out of range");
  return Field{std::string{as_text(name)}, type, nullable == 1};
}

Result<RowTypePtr> read_row_type(Reader& in, const ChunkLimits& limits) {
  std::uint32_t count = 0;
  if (!in.number(count)) return damaged("it ends before its columns");
  if (count > limits.columns) return damaged(fmt::format("it has more than {} columns", limits.columns));
  if (count > in.left() / kFieldOverhead) return damaged("it ends inside its columns' names");
  auto type = std::make_shared<RowType>();
  type->reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    VMC_TRY(field, read_field(in));
    type->push_back(std::move(field));
  }
  std::unordered_set<std::string_view> names;
  for (const auto& field : *type)
    if (!names.insert(field.name).second) return damaged("two columns have the same name");
  return RowTypePtr{std::move(type)};
}

bool is_null(const Bytes& validity, std::size_t row) { return !(validity[row / 8] >> (row % 8) & 1); }

// Rows that are null hold zero, whatever the bytes said.
void zero_nulls(const Bytes& validity, std::size_t each, Bytes& values) {
  if (validity.empty()) return;
  for (std::size_t row = 0; row < values.size() / each; ++row)
    if (is_null(validity, row)) std::memset(values.data() + row * each, 0, each);
}

template <class T, class Good>
bool every(const Bytes& values, Good&& good) {
  bool all = true;  // no early end: the loop stays free of branches
  for (std::size_t at = 0; at < values.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, values.data() + at, sizeof value);
    all &= good(value);
  }
  return all;
}

bool fixed_values_hold(Type type, const Bytes& values) {
  switch (type.kind) {
    case Kind::boolean:
      return every<std::uint8_t>(values, [](std::uint8_t v) { return v <= 1; });
    case Kind::time:
      return every<std::int64_t>(values, [](std::int64_t v) { return (v >= -kTimeMax) & (v <= kTimeMax); });
    case Kind::decimal: {
      const Int128 bound = power_of_ten(type.precision);
      return every<Int128>(values, [bound](Int128 v) { return (v > -bound) & (v < bound); });
    }
    default:
      return true;
  }
}

Result<Column> read_fixed(Reader& in, Type type, std::size_t rows, Bytes validity) {
  ByteView raw;
  const std::size_t each = width(type.kind);
  if (!in.raw(rows * each, raw)) return damaged("it ends inside a column");
  Bytes values{raw.begin(), raw.end()};
  zero_nulls(validity, each, values);
  if (!fixed_values_hold(type, values)) return damaged(fmt::format("a value is no {}", to_string(type)));
  return Column{type, rows, std::move(validity), std::move(values), {}};
}

// The whole buffer is checked at once; that no value begins inside a character is checked at the offsets.
bool text_values_hold(const std::vector<std::uint32_t>& offsets, ByteView values) {
  if (!is_valid_utf8(as_text(values))) return false;
  for (const auto offset : offsets)
    if (offset < values.size() && (values[offset] & 0xc0) == 0x80) return false;
  return true;
}

bool number_values_hold(const std::vector<std::uint32_t>& offsets, ByteView values, const Bytes& validity) {
  for (std::size_t row = 0; row + 1 < offsets.size(); ++row) {
    if (!validity.empty() && is_null(validity, row)) continue;
    if (!is_canonical_number(as_text(values.subspan(offsets[row], offsets[row + 1] - offsets[row]))))
      return false;
  }
  return true;
}

Result<Column> read_text(Reader& in, Type type, std::size_t rows, Bytes validity) {
  ByteView raw_offsets, raw;
  if (!in.raw((rows + 1) * sizeof(std::uint32_t), raw_offsets)) return damaged("it ends inside a column");
  std::vector<std::uint32_t> offsets(rows + 1);
  std::memcpy(offsets.data(), raw_offsets.data(), raw_offsets.size());
  bool rising = offsets[0] == 0;
  for (std::size_t row = 0; row < rows; ++row) rising &= offsets[row] <= offsets[row + 1];
  if (!rising) return damaged("offsets do not rise");
  if (!in.raw(offsets[rows], raw)) return damaged("it ends inside a column");
  if (!validity.empty())
    for (std::size_t row = 0; row < rows; ++row)
      if (is_null(validity, row) && offsets[row] != offsets[row + 1]) return damaged("a null has a value");
  const bool holds = type.kind == Kind::bytes    ? true
                     : type.kind == Kind::number ? number_values_hold(offsets, raw, validity)
                                                 : text_values_hold(offsets, raw);
  if (!holds) return damaged(fmt::format("a value is no {}", to_string(type)));
  return Column{type, rows, std::move(validity), Bytes{raw.begin(), raw.end()}, std::move(offsets)};
}

Result<Column> read_column(Reader& in, const Field& field, std::size_t rows) {
  std::uint8_t has_validity = 0;
  ByteView validity;
  if (!in.number(has_validity)) return damaged("it ends before a column");
  if (has_validity > 1) return damaged("a flag is neither 0 nor 1");
  if (has_validity == 1 && !in.raw((rows + 7) / 8, validity)) return damaged("it ends inside a column");
  Bytes bits{validity.begin(), validity.end()};
  auto column = width(field.type.kind) != 0 ? read_fixed(in, field.type, rows, std::move(bits))
                                            : read_text(in, field.type, rows, std::move(bits));
  if (column && column->has_nulls() && !field.nullable) return damaged("a null where none may be");
  return column;
}

}  // namespace

std::size_t body_size(const Batch& batch) {
  if (batch.columns.size() != batch.type->size())
    throw std::logic_error{"a batch's columns do not fit its type"};
  std::size_t size = 2 * sizeof(std::uint32_t);
  for (std::size_t i = 0; i < batch.columns.size(); ++i) {
    const auto& field = (*batch.type)[i];
    const auto& column = batch.columns[i];
    if (column.type() != field.type || column.size() != batch.rows)
      throw std::logic_error{"a batch's columns do not fit its type"};
    if (field.name.size() > UINT16_MAX || batch.rows > UINT32_MAX)
      throw std::length_error{"a batch is too large for a chunk"};
    size += kFieldOverhead + field.name.size();
    size += 1 + column.validity().size() + column.offsets().size_bytes() + column.values().size();
  }
  return size;
}

void write_body(const Batch& batch, std::uint8_t* out) {
  Writer to{out};
  to.number(static_cast<std::uint32_t>(batch.columns.size()));
  for (const auto& field : *batch.type) {
    to.number(static_cast<std::uint16_t>(field.name.size()));
    to.raw(field.name.data(), field.name.size());
    to.number(static_cast<std::uint8_t>(field.type.kind));
    to.number(field.type.precision);
    to.number(field.type.scale);
    to.number(static_cast<std::uint8_t>(field.nullable));
  }
  to.number(static_cast<std::uint32_t>(batch.rows));
  for (const auto& column : batch.columns) {
    to.number(static_cast<std::uint8_t>(column.has_nulls()));
    to.raw(column.validity().data(), column.validity().size());
    to.raw(column.offsets().data(), column.offsets().size_bytes());
    to.raw(column.values().data(), column.values().size());
  }
}

Result<Batch> read_body(ByteView body, const ChunkLimits& limits) {
  Reader in{body};
  VMC_TRY(type, read_row_type(in, limits));
  std::uint32_t rows = 0;
  if (!in.number(rows)) return damaged("it ends before its rows");
  if (rows > limits.rows) return damaged(fmt::format("it has more than {} rows", limits.rows));
  Batch batch{type, {}, rows};
  batch.columns.reserve(type->size());
  for (const auto& field : *type) {
    VMC_TRY(column, read_column(in, field, rows));
    batch.columns.push_back(std::move(column));
  }
  if (in.left() != 0) return damaged("it goes on after its last column");
  return batch;
}

}  // namespace vmc::data
