// Count and order-free hash of a set of rows: the two numbers a proof of completeness compares.
//
// Each row is encoded by column name (sorted), kind and exact value, hashed with XXH3-128 under a seed, and
// the hashes are added modulo 2^128, so that order and batching do not matter and duplicates do.
#pragma once

#include <cstdint>
#include <string>

#include "core/result.hpp"
#include "data/batch.hpp"

namespace vmc::activities {

class RowDigest {
 public:
  explicit RowDigest(std::string_view seed_hex);   // 32 hex digits
  // One made elsewhere under this seed, as rows() and hex() gave it; INVALID_REQUEST unless it is one.
  static Result<RowDigest> read(std::string_view seed_hex, std::int64_t rows, std::string_view hex);
  void add(const data::Batch& batch);
  void add(const RowDigest& other);                // of disjoint rows, same seed
  std::int64_t rows() const { return rows_; }
  std::string hex() const;                         // 32 hex digits
  bool operator==(const RowDigest& other) const { return rows_ == other.rows_ && low_ == other.low_ && high_ == other.high_; }

 private:
  std::uint64_t seed_ = 0;
  std::int64_t rows_ = 0;
  std::uint64_t low_ = 0, high_ = 0;
};

// One 128-bit hash a row, over `columns` (empty: all), encoded as RowDigest does: to find a row again.
std::vector<std::pair<std::uint64_t, std::uint64_t>> row_hashes(const data::Batch& batch, std::string_view seed_hex,
                                                                const std::vector<std::string>& columns = {});

}  // namespace vmc::activities
