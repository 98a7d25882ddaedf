#include "sources/odbc/row_stream.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "sources/load_plan.hpp"
#include "sources/odbc/wide.hpp"

namespace vmc::sources::odbc {
namespace {

constexpr std::size_t kBlockBytes = 1 << 20;
constexpr std::size_t kBlockRows = 1024;
constexpr std::int64_t kBoundChars = 2000, kBoundBytes = 4000;  // longer ones come in pieces

// Room for every value of a column that says how long they can be; 0: none.
std::size_t bound_of(const Fetch& fetch, std::int64_t size) {
  if (size < 1) return 0;
  if (fetch.form == Fetch::Form::utf8) return size <= kBoundChars ? static_cast<std::size_t>(4 * size) : 0;
  if (fetch.as == SQL_C_BINARY) return size <= kBoundBytes ? static_cast<std::size_t>(size) : 0;
  // A character may be a pair of units.
  return size <= kBoundChars ? static_cast<std::size_t>(2 * size + 1) * sizeof(SQLWCHAR) : 0;
}

}  // namespace

Result<void> RowStream::choose(Statement& statement) {
  const auto& fields = *batch_.type();
  VMC_TRY(count, statement.columns());
  if (count != fields.size())
    return fail(Code::database_error,
                fmt::format("the server sent other columns of '{}' than asked for", table_));
  const auto& customs = statement.db().customs();
  columns_.clear();
  bounded_ = true;
  for (std::size_t i = 0; i < count; ++i) {
    Column column{fetch_of(fields[i].type.kind, customs)};
    if (column.fetch.bytes == 0 && customs.sizes_hold) {
      VMC_TRY(described, statement.describe(i));
      column.fetch.bytes = bound_of(column.fetch, described.size);
    }
    bounded_ = bounded_ && column.fetch.bytes > 0;
    columns_.push_back(std::move(column));
  }
  return {};
}

Result<void> RowStream::run(Statement& statement, const BatchSink& sink, std::optional<std::int64_t> most) {
  left_ = most;
  if (most && *most <= 0) return {};
  VMC_CHECK(choose(statement));
  VMC_CHECK(bounded_ ? run_in_blocks(statement, sink) : run_row_by_row(statement, sink));
  return {};
}

Result<void> RowStream::bind(Statement& statement, std::size_t rows, SQLULEN& fetched) {
  const auto handle = statement.handle();
  const auto set = [&](SQLINTEGER attribute, SQLPOINTER value) {
    return statement.db().call(
        handle, [&](const auto& odbc) { return odbc.SQLSetStmtAttrW(handle, attribute, value, 0); });
  };
  VMC_CHECK(set(SQL_ATTR_ROW_BIND_TYPE, reinterpret_cast<SQLPOINTER>(SQL_BIND_BY_COLUMN)));
  VMC_CHECK(set(SQL_ATTR_ROW_ARRAY_SIZE, reinterpret_cast<SQLPOINTER>(rows)));
  VMC_CHECK(set(SQL_ATTR_ROWS_FETCHED_PTR, &fetched));
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    auto& column = columns_[i];
    column.values.resize(column.fetch.bytes * rows);
    column.lengths.resize(rows);
    VMC_CHECK(statement.db().call(handle, [&](const auto& odbc) {
      return odbc.SQLBindCol(handle, static_cast<SQLUSMALLINT>(i + 1), column.fetch.as, column.values.data(),
                             static_cast<SQLLEN>(column.fetch.bytes), column.lengths.data());
    }));
  }
  return {};
}

Result<void> RowStream::run_in_blocks(Statement& statement, const BatchSink& sink) {
  std::size_t row_bytes = 0;
  for (const auto& column : columns_) row_bytes += column.fetch.bytes + sizeof(SQLLEN);
  const auto rows = std::clamp<std::size_t>(kBlockBytes / row_bytes, 1, kBlockRows);
  SQLULEN fetched = 0;
  VMC_CHECK(bind(statement, rows, fetched));
  for (;;) {
    VMC_TRY(more, statement.fetch());
    if (!more) return {};
    if (fetched > rows)
      return fail(Code::database_error, "the ODBC driver fetched more rows than it was asked for");
    for (std::size_t row = 0; row < fetched; ++row) {
      ++row_;
      for (std::size_t i = 0; i < columns_.size(); ++i) VMC_CHECK(take_bound(i, row));
      VMC_TRY(go_on, end_row(sink));
      if (!go_on) return {};
    }
  }
}

Result<void> RowStream::run_row_by_row(Statement& statement, const BatchSink& sink) {
  for (;;) {
    VMC_TRY(more, statement.fetch());
    if (!more) return {};
    ++row_;
    for (std::size_t i = 0; i < columns_.size(); ++i) VMC_CHECK(take_whole(statement, i));
    VMC_TRY(go_on, end_row(sink));
    if (!go_on) return {};
  }
}

Result<void> RowStream::take_bound(std::size_t i, std::size_t row) {
  const auto& [fetch, values, lengths] = columns_[i];
  auto& out = batch_.column(i);
  const auto length = lengths[row];
  if (length == SQL_NULL_DATA) return out.null(), Result<void>{};
  const char* data = values.data() + row * fetch.bytes;
  if (fetch.as == SQL_C_SBIGINT || fetch.as == SQL_C_DOUBLE) {
    std::int64_t integer;
    double real;
    std::memcpy(&integer, data, sizeof integer);
    std::memcpy(&real, data, sizeof real);
    fetch.as == SQL_C_DOUBLE ? out.float64(real) : out.int64(integer);
    return {};
  }
  const std::size_t terminator = fetch.as == SQL_C_BINARY  ? 0
                                 : fetch.as == SQL_C_WCHAR ? sizeof(SQLWCHAR)
                                                           : 1;
  if (length < 0 || static_cast<std::size_t>(length) > fetch.bytes - terminator)
    return unfit(i, "the value is longer than its column says");
  const auto size = static_cast<std::size_t>(length);
  std::string_view text{data, size};
  if (fetch.as == SQL_C_WCHAR) {
    cell_.clear();
    if (!append_narrow({reinterpret_cast<const SQLWCHAR*>(data), size / sizeof(SQLWCHAR)}, cell_))
      return unfit(i, "the text is not valid Unicode");
    text = cell_;
  }
  const char* why = decode(fetch.form, text, out);
  return why ? Result<void>{unfit(i, why)} : Result<void>{};
}

Result<void> RowStream::take_whole(Statement& statement, std::size_t i) {
  const auto as = columns_[i].fetch.as;
  auto& out = batch_.column(i);
  if (as == SQL_C_SBIGINT || as == SQL_C_DOUBLE) {
    std::int64_t integer = 0;
    double real = 0;
    VMC_TRY(there, as == SQL_C_DOUBLE ? statement.number(i, as, real) : statement.number(i, as, integer));
    if (!there) return out.null(), Result<void>{};
    as == SQL_C_DOUBLE ? out.float64(real) : out.int64(integer);
    return {};
  }
  auto got = as == SQL_C_BINARY  ? statement.bytes(i, cell_)
             : as == SQL_C_WCHAR ? statement.text(i, cell_)
                                 : statement.plain(i, cell_);
  if (!got) return got.error().code == Code::database_error ? unfit(i, got.error().message) : got.error();
  if (!*got) return out.null(), Result<void>{};
  const char* why = decode(columns_[i].fetch.form, cell_, out);
  return why ? Result<void>{unfit(i, why)} : Result<void>{};
}

Result<bool> RowStream::end_row(const BatchSink& sink) {
  batch_.end_row();
  if (batch_.full()) VMC_CHECK(sink(batch_.finish()));
  return !left_ || --*left_ > 0;
}

Result<void> RowStream::finish(const BatchSink& sink) {
  if (batch_.rows() == 0) return {};
  return sink(batch_.finish());
}

Error RowStream::unfit(std::size_t column, std::string_view why) const {
  return unfit_cell(table_, (*batch_.type())[column].name, row_, why);
}

}  // namespace vmc::sources::odbc
