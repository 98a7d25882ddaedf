// Random batches of every kind, from a printed seed; and whether two batches are the same, bit for bit.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <string>

#include "data/batch.hpp"
#include "data/value.hpp"

namespace vmc::data {

inline std::uint64_t fresh_seed() {
  return std::random_device{}() * 0x1'0000'0001ull ^ std::random_device{}();
}

class RandomBatch {
 public:
  explicit RandomBatch(std::uint64_t seed) : random_{seed} {}

  std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>{0, bound - 1}(random_);
  }

  RowTypePtr row_type(std::size_t columns) {
    auto type = std::make_shared<RowType>();
    for (std::size_t i = 0; i < columns; ++i) {
      Type kind{static_cast<Kind>(1 + below(13)), 0, 0};
      if (kind.kind == Kind::decimal)
        kind = {Kind::decimal, static_cast<std::uint8_t>(1 + below(38)),
                static_cast<std::uint8_t>(below(39))};
      type->push_back({"c" + std::to_string(i), kind, below(3) != 0});
    }
    return type;
  }

  Batch batch(const RowTypePtr& type, std::size_t rows) {
    BatchBuilder builder{type};
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t i = 0; i < type->size(); ++i) {
        const auto& field = (*type)[i];
        if (field.nullable && below(4) == 0)
          builder.column(i).null();
        else
          put(builder.column(i));
      }
      builder.end_row();
    }
    return builder.finish();
  }
  Batch batch() { return batch(row_type(below(8)), below(70)); }

 private:
  std::int64_t integer() {
    const std::int64_t extremes[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX};
    return below(3) == 0 ? extremes[below(6)] : static_cast<std::int64_t>(random_()) >> below(63);
  }
  double real() {
    const double extremes[] = {0.0, -0.0, 1e308, 5e-324, HUGE_VAL, -HUGE_VAL, std::nan("")};
    return below(3) == 0 ? extremes[below(7)] : static_cast<double>(integer()) / 7;
  }
  Int128 unscaled(std::uint8_t precision) {
    const Int128 bound = power_of_ten(precision);
    if (below(4) == 0) return below(2) ? bound - 1 : 1 - bound;
    const Int128 any =
        static_cast<Int128>(static_cast<std::int64_t>(random_())) << 62 ^ static_cast<Int128>(random_());
    return any % bound;
  }
  std::string characters() {
    static const char* const pieces[] = {"a",  "Z", "0", " ", "\n",
                                         "\"", "é", "☃", "𝄞", "plain words in ASCII, long enough "};
    std::string text;
    for (std::size_t n = below(12); n > 0; --n) text += pieces[below(10)];
    return text;
  }
  void put(ColumnBuilder& column) {
    switch (column.type().kind) {
      case Kind::boolean:
        return column.boolean(below(2) == 1);
      case Kind::int64:
      case Kind::timestamp:
      case Kind::timestamptz:
        return column.int64(integer());
      case Kind::float64:
        return column.float64(real());
      case Kind::decimal:
        return column.decimal(unscaled(column.type().precision));
      case Kind::number:
        return column.text(
            canonical_number(format_decimal(unscaled(38), static_cast<std::uint8_t>(below(39)))).value());
      case Kind::text:
        return column.text(characters());
      case Kind::json:
        return column.text(Json(characters()).dump());
      case Kind::bytes: {
        const Bytes bytes(below(9), static_cast<std::uint8_t>(random_()));
        return column.text(as_text(bytes));
      }
      case Kind::date:
        return column.date(static_cast<std::int32_t>(integer()));
      case Kind::time:
        return column.int64(integer() % kTimeMax);
      case Kind::uuid: {
        std::uint8_t bytes[16];
        for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random_());
        return column.uuid(bytes);
      }
    }
  }

  std::mt19937_64 random_;
};

inline bool same(const Column& a, const Column& b) {
  return a.type() == b.type() && a.size() == b.size() && std::ranges::equal(a.validity(), b.validity()) &&
         std::ranges::equal(a.values(), b.values()) && std::ranges::equal(a.offsets(), b.offsets());
}

inline bool same(const Batch& a, const Batch& b) {
  return *a.type == *b.type && a.rows == b.rows &&
         std::equal(a.columns.begin(), a.columns.end(), b.columns.begin(), b.columns.end(),
                    [](const Column& x, const Column& y) { return same(x, y); });
}

// Reads every value there is, so that a sanitizer sees every byte a batch gives access to.
inline std::size_t read_everything(const Batch& batch) {
  std::size_t sum = 0;
  for (const auto& column : batch.columns)
    for (std::size_t row = 0; row < batch.rows; ++row) sum += format(value_at(column, row)).size();
  return sum;
}

// A batch from rows of values.
inline Batch batch_of(RowType type, const std::vector<std::vector<Value>>& rows) {
  BatchBuilder builder{std::make_shared<RowType>(std::move(type))};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) append(builder.column(i), row[i]).value();
    builder.end_row();
  }
  return builder.finish();
}

}  // namespace vmc::data
