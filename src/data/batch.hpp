// Columnar rows in Arrow's memory layout: validity bits, values, 32-bit offsets for what varies in length.
//
// A Batch is a value: built by ColumnBuilders, immutable afterwards, moved between threads. About
// kBatchRows rows or kBatchBytes bytes, whichever comes first, so that every queue of batches is bounded.
#pragma once

#include <span>
#include <string_view>

#include "core/bytes.hpp"
#include "data/type.hpp"

namespace vmc::data {

inline constexpr std::size_t kBatchRows = 8192;
inline constexpr std::size_t kBatchBytes = 1 << 20;

class Column {
 public:
  Column() = default;
  // The buffers must fit type and size (std::logic_error otherwise). Validity without a cleared bit is
  // dropped and bits past the end are cleared, so that equal columns have equal buffers.
  Column(Type type, std::size_t size, Bytes validity, Bytes values, std::vector<std::uint32_t> offsets);

  Type type() const { return type_; }
  std::size_t size() const { return size_; }
  bool is_null(std::size_t row) const { return !validity_.empty() && !(validity_[row >> 3] >> (row & 7) & 1); }
  bool has_nulls() const { return !validity_.empty(); }

  // The accessor must fit the kind: int64 time timestamp timestamptz -> int64s, date -> int32s,
  // boolean -> bools, float64 -> doubles, decimal -> decimals. Values of null rows are zero.
  std::span<const std::int64_t> int64s() const { return fixed<std::int64_t>(); }
  std::span<const std::int32_t> int32s() const { return fixed<std::int32_t>(); }
  std::span<const std::uint8_t> bools() const { return fixed<std::uint8_t>(); }
  std::span<const double> doubles() const { return fixed<double>(); }
  std::span<const Int128> decimals() const { return fixed<Int128>(); }
  ByteView uuid(std::size_t row) const { return ByteView{values_}.subspan(row * 16, 16); }
  // text, bytes, number, json
  std::string_view text(std::size_t row) const {
    return {reinterpret_cast<const char*>(values_.data()) + offsets_[row], offsets_[row + 1] - offsets_[row]};
  }

  ByteView validity() const { return validity_; }   // empty: no nulls; else (size+7)/8 bytes
  ByteView values() const { return values_; }
  std::span<const std::uint32_t> offsets() const { return offsets_; }  // size+1 of them, or none

 private:
  template <class T>
  std::span<const T> fixed() const {
    return {reinterpret_cast<const T*>(values_.data()), size_};
  }
  Type type_;
  std::size_t size_ = 0;
  Bytes validity_;
  Bytes values_;
  std::vector<std::uint32_t> offsets_;
};

class ColumnBuilder {
 public:
  explicit ColumnBuilder(Type type);
  void reserve(std::size_t rows);

  void null();
  void boolean(bool value);
  void int64(std::int64_t value);      // int64, time, timestamp, timestamptz
  void date(std::int32_t days);
  void float64(double value);
  void decimal(Int128 unscaled);       // at the column's scale
  void uuid(ByteView sixteen);
  void text(std::string_view value);   // text, bytes, number, json; the caller has validated it

  Type type() const { return type_; }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return width_ ? size_ * width_ : values_.size(); }
  Column finish();                     // leaves the builder empty, ready for the next batch

 private:
  void grow_validity(bool valid);
  template <class T>
  void put(T value);
  std::uint8_t* next_slot();
  Type type_;
  std::size_t width_;
  std::size_t size_ = 0;
  Bytes validity_;
  Bytes values_;                       // fixed width: grown ahead and zeroed, cut by finish()
  std::vector<std::uint32_t> offsets_;
};

struct Batch {
  RowTypePtr type;
  std::vector<Column> columns;
  std::size_t rows = 0;

  std::size_t bytes() const;                        // of all buffers
  int column(std::string_view name) const;          // index, or -1
};

// Builds a batch row by row over all columns of a type.
class BatchBuilder {
 public:
  explicit BatchBuilder(RowTypePtr type);
  ColumnBuilder& column(std::size_t index) { return columns_[index]; }
  std::size_t columns() const { return columns_.size(); }
  void end_row() { ++rows_; }                       // every column must have got one value
  std::size_t rows() const { return rows_; }
  bool full() const;                                // at kBatchRows or kBatchBytes
  Batch finish();
  const RowTypePtr& type() const { return type_; }

 private:
  RowTypePtr type_;
  std::vector<ColumnBuilder> columns_;
  std::size_t rows_ = 0;
};

// The rows of `batch` for which keep[row] is true.
Batch select_rows(const Batch& batch, const std::vector<bool>& keep);

}  // namespace vmc::data
