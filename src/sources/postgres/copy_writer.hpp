// Columns as PostgreSQL's binary COPY format, into one buffer that is handed on in pieces.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "data/batch.hpp"
#include "data/schema.hpp"
#include "sources/postgres/types.hpp"

namespace vmc::sources::postgres {

// A column of the table that is written to, as the server's catalogue has it now.
struct TargetColumn {
  std::string name;
  Oid type = 0;  // of a domain: its base type
  int modifier = -1;
  std::string type_name;  // the declared one, quoted and qualified by the server
  std::string boundless_name;  // the base type without length, precision or scale
  Oid array_type = 0;
  bool table_takes_binary = true;  // COPY asks every column of the table for it, named or not
  // The type the rows are copied as: its own where the format is known, else the type of the kind.
  Oid copied_as = 0;
  bool own_type() const { return copied_as == type; }
};

Oid copied_as(data::Kind kind, Oid type);
// "pg_catalog.int8" …: of the types copied_as() answers with.
std::string_view name_of(Oid type);

class CopyWriter {
 public:
  using Put = std::function<Result<void>(std::string_view)>;
  CopyWriter(std::vector<TargetColumn> columns, data::RowTypePtr rows, Put put);

  // INVALID_REQUEST names column and row, never the value, when the column would not keep it exactly.
  Result<void> write(const data::Batch& batch);
  Result<void> finish();
  std::int64_t rows() const { return written_; }

  struct Cell;  // how one column is encoded
 private:
  Result<void> hand_on();
  std::vector<TargetColumn> columns_;
  data::RowTypePtr rows_;
  Put put_;
  std::vector<char> buffer_;
  std::size_t size_ = 0;
  std::int64_t written_ = 0;
};

}  // namespace vmc::sources::postgres
