#include "data/batch.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <stdexcept>

namespace vmc::data {
namespace {

constexpr std::size_t kFirstRows = 64;

// Clears the bits past the end; true when some row is null.
bool tidy_validity(Bytes& validity, std::size_t size) {
  const std::size_t whole = size / 8;
  const std::uint8_t rest_mask = static_cast<std::uint8_t>((1u << (size % 8)) - 1);
  const bool some = std::any_of(validity.begin(), validity.begin() + static_cast<std::ptrdiff_t>(whole),
                                [](std::uint8_t bits) { return bits != 0xff; });
  if (size % 8 == 0) return some;
  validity[whole] &= rest_mask;
  return some || validity[whole] != rest_mask;
}

}  // namespace

Column::Column(Type type, std::size_t size, Bytes validity, Bytes values, std::vector<std::uint32_t> offsets)
    : type_{type},
      size_{size},
      validity_{std::move(validity)},
      values_{std::move(values)},
      offsets_{std::move(offsets)} {
  const std::size_t each = width(type.kind);
  if (each == 0 && size_ == 0 && offsets_.empty()) offsets_ = {0};
  const bool fits = each != 0 ? values_.size() == size_ * each && offsets_.empty()
                              : offsets_.size() == size_ + 1 && offsets_.back() == values_.size();
  if (!fits || (!validity_.empty() && validity_.size() != (size_ + 7) / 8))
    throw std::logic_error{"column buffers do not fit its type and size"};
  if (!validity_.empty() && !tidy_validity(validity_, size_)) validity_ = {};
}

ColumnBuilder::ColumnBuilder(Type type) : type_{type}, width_{width(type.kind)} {
  if (width_ == 0) offsets_ = {0};
}

void ColumnBuilder::reserve(std::size_t rows) {
  if (width_ != 0) {
    if (values_.size() < rows * width_) values_.resize(rows * width_);
  } else {
    offsets_.reserve(rows + 1);
  }
}

void ColumnBuilder::grow_validity(bool valid) {
  if (validity_.empty()) {
    if (valid) return;
    validity_.assign(size_ / 8 + 1, 0xff);  // all rows before this one are valid
  } else if (size_ / 8 == validity_.size()) {
    validity_.push_back(0xff);
  }
  if (!valid) validity_[size_ / 8] &= static_cast<std::uint8_t>(~(1u << (size_ % 8)));
}

std::uint8_t* ColumnBuilder::next_slot() {
  const std::size_t at = size_ * width_;
  if (at + width_ > values_.size()) values_.resize(std::max(values_.size() * 2, kFirstRows * width_));
  return values_.data() + at;
}

template <class T>
void ColumnBuilder::put(T value) {
  std::memcpy(next_slot(), &value, sizeof value);
  grow_validity(true);
  ++size_;
}

void ColumnBuilder::null() {
  if (width_ != 0)
    next_slot();  // slots ahead are zero
  else
    offsets_.push_back(static_cast<std::uint32_t>(values_.size()));
  grow_validity(false);
  ++size_;
}

void ColumnBuilder::boolean(bool value) { put(static_cast<std::uint8_t>(value)); }
void ColumnBuilder::int64(std::int64_t value) { put(value); }
void ColumnBuilder::date(std::int32_t days) { put(days); }
void ColumnBuilder::float64(double value) { put(value); }
void ColumnBuilder::decimal(Int128 unscaled) { put(unscaled); }

void ColumnBuilder::uuid(ByteView sixteen) {
  if (sixteen.size() != 16) throw std::logic_error{"a uuid has 16 bytes"};
  std::memcpy(next_slot(), sixteen.data(), 16);
  grow_validity(true);
  ++size_;
}

void ColumnBuilder::text(std::string_view value) {
  if (values_.size() + value.size() > UINT32_MAX)
    throw std::length_error{"a column holds at most 4 GiB of text"};
  values_.insert(values_.end(), value.begin(), value.end());
  offsets_.push_back(static_cast<std::uint32_t>(values_.size()));
  grow_validity(true);
  ++size_;
}

Column ColumnBuilder::finish() {
  if (width_ != 0) values_.resize(size_ * width_);
  Column column{type_, size_, std::move(validity_), std::move(values_), std::move(offsets_)};
  *this = ColumnBuilder{type_};
  return column;
}

std::size_t Batch::bytes() const {
  return std::accumulate(columns.begin(), columns.end(), std::size_t{0},
                         [](std::size_t sum, const Column& c) {
                           return sum + c.validity().size() + c.values().size() + c.offsets().size_bytes();
                         });
}

int Batch::column(std::string_view name) const {
  for (std::size_t i = 0; i < type->size(); ++i)
    if ((*type)[i].name == name) return static_cast<int>(i);
  return -1;
}

BatchBuilder::BatchBuilder(RowTypePtr type) : type_{std::move(type)} {
  columns_.reserve(type_->size());
  for (const auto& field : *type_) columns_.emplace_back(field.type);
}

bool BatchBuilder::full() const {
  if (rows_ >= kBatchRows) return true;
  std::size_t bytes = 0;
  for (const auto& column : columns_) bytes += column.bytes();
  return bytes >= kBatchBytes;
}

Batch BatchBuilder::finish() {
  Batch batch{type_, {}, rows_};
  batch.columns.reserve(columns_.size());
  for (auto& column : columns_) {
    if (column.size() != rows_)
      throw std::logic_error{"a column got more or fewer values than there are rows"};
    batch.columns.push_back(column.finish());
  }
  rows_ = 0;
  return batch;
}

namespace {

Bytes gather_validity(const Column& column, const std::vector<std::uint32_t>& rows) {
  if (!column.has_nulls()) return {};
  Bytes bits((rows.size() + 7) / 8, 0);
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (!column.is_null(rows[i])) bits[i / 8] |= static_cast<std::uint8_t>(1u << (i % 8));
  return bits;
}

template <std::size_t Width>
Bytes gather_fixed(const Column& column, const std::vector<std::uint32_t>& rows) {
  Bytes values(rows.size() * Width);
  const std::uint8_t* from = column.values().data();
  for (std::size_t i = 0; i < rows.size(); ++i)
    std::memcpy(values.data() + i * Width, from + rows[i] * Width, Width);
  return values;
}

Column gather_text(const Column& column, const std::vector<std::uint32_t>& rows) {
  std::vector<std::uint32_t> offsets(rows.size() + 1, 0);
  for (std::size_t i = 0; i < rows.size(); ++i)
    offsets[i + 1] = offsets[i] + static_cast<std::uint32_t>(column.text(rows[i]).size());
  Bytes values(offsets.back());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto text = column.text(rows[i]);
    if (!text.empty()) std::memcpy(values.data() + offsets[i], text.data(), text.size());
  }
  return {column.type(), rows.size(), gather_validity(column, rows), std::move(values), std::move(offsets)};
}

Column gather(const Column& column, const std::vector<std::uint32_t>& rows) {
  const auto fixed = [&](Bytes values) {
    return Column{column.type(), rows.size(), gather_validity(column, rows), std::move(values), {}};
  };
  switch (width(column.type().kind)) {
    case 1:
      return fixed(gather_fixed<1>(column, rows));
    case 4:
      return fixed(gather_fixed<4>(column, rows));
    case 8:
      return fixed(gather_fixed<8>(column, rows));
    case 16:
      return fixed(gather_fixed<16>(column, rows));
    default:
      return gather_text(column, rows);
  }
}

}  // namespace

Batch select_rows(const Batch& batch, const std::vector<bool>& keep) {
  std::vector<std::uint32_t> rows;
  rows.reserve(batch.rows);
  for (std::size_t row = 0; row < batch.rows; ++row)
    if (keep[row]) rows.push_back(static_cast<std::uint32_t>(row));
  if (rows.size() == batch.rows) return batch;
  Batch selected{batch.type, {}, rows.size()};
  selected.columns.reserve(batch.columns.size());
  for (const auto& column : batch.columns) selected.columns.push_back(gather(column, rows));
  return selected;
}

}  // namespace vmc::data
