// Columns into a staging table by the library's bulk copy (BULK LOAD packets).
//
// DB-Library knows no empty value: one of no length is NULL. So an empty text or binary is sent as NULL and marked in a
// bit of an extra column, 60 columns a bigint; and text goes out as UTF-16, which the library passes on untouched.
#pragma once

#include <string>
#include <vector>

#include "data/schema.hpp"
#include "sources/mssql/connection.hpp"
#include "sources/mssql/types.hpp"

namespace vmc::sources::mssql {

// A column of the table that is written to, as the server's catalogue has it now.
struct TargetColumn {
  std::string name;
  CatalogueType type;
  std::string collation;  // of text
  bool identity = false;
  bool computed = false;
  data::Kind kind = data::Kind::text;  // of the rows that come
  data::Type rows;

  bool sized() const { return kind == data::Kind::text || kind == data::Kind::bytes; }
  // What it is called in the staging table: "nvarchar(20) COLLATE …", "decimal(12,2)"
  std::string staged_as() const;
};

inline constexpr std::size_t kMarksPerColumn = 60;

class BulkWriter {
 public:
  BulkWriter(Connection& db, const std::vector<TargetColumn>& columns)
      : db_{db}, columns_{columns}, seen_(columns.size()) {}

  Result<void> begin(const std::string& stage);
  // INVALID_REQUEST names column and row, never the value, when the column would not keep it exactly.
  Result<void> write(const data::Batch& batch);
  Result<void> finish();

  std::int64_t rows() const { return written_; }
  // What was sent for a column: its bytes, whether something was empty, whether something was not ASCII.
  struct Seen {
    std::int64_t bytes = 0;
    bool empty = false;
    bool wide = false;
  };
  const std::vector<Seen>& seen() const { return seen_; }

 private:
  struct Cell;  // one value in the form that is sent
  const char* encode(std::size_t column, const data::Column& from, std::size_t row, Cell& cell);
  const char* encode_text(const TargetColumn& target, std::string_view text, Seen& seen, Cell& cell);
  Connection& db_;
  const std::vector<TargetColumn>& columns_;
  std::vector<Seen> seen_;
  std::int64_t written_ = 0;
};

}  // namespace vmc::sources::mssql
