// Rows of an executed statement as batches: many at once into buffers of our own, column by column, as long
// as every value has a bound; else one at a time, long ones in pieces.
#pragma once

#include "sources/odbc/decode.hpp"
#include "sources/odbc/statement.hpp"

namespace vmc::sources::odbc {

class RowStream {
 public:
  RowStream(std::string_view table, data::RowTypePtr type) : table_{table}, batch_{std::move(type)} {}

  // Until the statement ends or `most` rows have come; may be called for several statements of one
  // projection.
  Result<void> run(Statement& statement, const BatchSink& sink,
                   std::optional<std::int64_t> most = std::nullopt);
  Result<void> finish(const BatchSink& sink);

 private:
  struct Column {
    Fetch fetch = {};
    std::vector<char> values = {};  // of all rows of a block
    std::vector<SQLLEN> lengths = {};
  };
  Result<void> choose(Statement& statement);
  Result<void> run_in_blocks(Statement& statement, const BatchSink& sink);
  Result<void> bind(Statement& statement, std::size_t rows, SQLULEN& fetched);
  Result<void> run_row_by_row(Statement& statement, const BatchSink& sink);
  Result<void> take_bound(std::size_t column, std::size_t row);
  Result<void> take_whole(Statement& statement, std::size_t column);
  Result<bool> end_row(const BatchSink& sink);  // false: enough
  Error unfit(std::size_t column, std::string_view why) const;

  std::string table_;
  data::BatchBuilder batch_;
  std::vector<Column> columns_;
  bool bounded_ = true;  // every value of a row has a bound
  std::optional<std::int64_t> left_;
  std::uint64_t row_ = 0;
  std::string cell_;
};

}  // namespace vmc::sources::odbc
