// Cells between SQLite and columns, exactly: what does not fit the declared type is an error, never a guess.
#pragma once

#include <sqlite3.h>

#include "data/batch.hpp"
#include "data/schema.hpp"

namespace vmc::sources::sqlite {

// A value as SQLite stores it; `bytes` (a text or a blob) lives as long as the row it came from.
struct Cell {
  int stored = SQLITE_NULL;  // SQLITE_INTEGER, …
  std::int64_t integer = 0;
  double real = 0;
  std::string_view bytes;
};
Cell cell_at(sqlite3_stmt* row, int index);

// Appends the cell to `out`. Null on success, else what is wrong with it (a sentence without the value).
const char* read_cell(const Cell& cell, const data::ColumnInfo& column, data::ColumnBuilder& out);
inline const char* read_cell(sqlite3_stmt* row, int index, const data::ColumnInfo& column, data::ColumnBuilder& out) {
  return read_cell(cell_at(row, index), column, out);
}
// Binds the cell as a parameter; it must live until the statement has run. Null on success, as above.
const char* bind_cell(sqlite3_stmt* statement, int index, const data::ColumnInfo& column,
                      const data::Column& cells, std::size_t row);

}  // namespace vmc::sources::sqlite
