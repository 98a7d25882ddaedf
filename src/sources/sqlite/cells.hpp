// Cells between SQLite and columns, exactly: what does not fit the declared type is an error, never a guess.
#pragma once

#include <sqlite3.h>

#include "data/batch.hpp"
#include "data/schema.hpp"

namespace vmc::sources::sqlite {

// Appends column `index` of the current row to `out`. Null on success, else what is wrong with the cell (a
// sentence without the value).
const char* read_cell(sqlite3_stmt* row, int index, const data::ColumnInfo& column, data::ColumnBuilder& out);
// Binds the cell as a parameter; it must live until the statement has run. Null on success, as above.
const char* bind_cell(sqlite3_stmt* statement, int index, const data::ColumnInfo& column,
                      const data::Column& cells, std::size_t row);

}  // namespace vmc::sources::sqlite
