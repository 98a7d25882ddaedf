// Rows between columns and Lua tables: exactly, and with as little work a row as there can be.
#pragma once

#include <lua.hpp>

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data/batch.hpp"
#include "script/host.hpp"

namespace vmc::script {

// Pushes rows of one type as fresh tables. Keeps the column names on the Lua stack, from where it was made.
class RowPusher {
 public:
  RowPusher(lua_State* L, const data::RowType& type);
  void push(const data::Batch& batch, std::size_t row);

 private:
  void push_value(const data::Column& column, std::size_t row);
  lua_State* L_;
  int keys_;  // stack index of the first name
  int columns_;
};

struct Refusal {
  std::string column;
  std::string reason;
};

// Reads row tables into columns of one type. Rows are pending until commit(), so that the rows that came of
// one input row are taken or refused together. Keeps the column names on the Lua stack too.
class RowReader {
 public:
  RowReader(lua_State* L, data::RowTypePtr type, std::size_t bytes_max);

  // The table at `index` as one pending row; or why not.
  std::optional<Refusal> read(int index);
  void commit();
  void discard();
  data::Batch finish() { return builder_.finish(); }

 private:
  struct Cell {
    enum class Form : std::uint8_t { null, boolean, integer, real, decimal, bytes } form = Form::null;
    bool boolean = false;
    std::int64_t integer = 0;
    double real = 0;
    Int128 decimal = 0;
    std::string_view bytes;  // alive in the row's table or in texts_
  };
  static constexpr int kUnknown = -1;

  int column_of(int index) const;
  std::optional<Refusal> unknown_column(int index);
  const char* convert(const data::Type& type, int index, Cell& cell);
  const char* from_text(const data::Type& type, std::string_view text, Cell& cell);
  const char* from_decimal(const data::Type& type, const ExactDecimal& value, Cell& cell);
  const char* to_text(int index, Cell& cell);
  const char* to_json(int index, Cell& cell);
  std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }
  std::string mismatch(const data::Type& type, int index) const;
  static void put(data::ColumnBuilder& column, const Cell& cell);

  lua_State* L_;
  data::RowTypePtr type_;
  data::BatchBuilder builder_;
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  int keys_;
  std::vector<std::pair<const char*, int>>
      by_address_;  // open addressing: Lua keeps one copy of a short string
  std::unordered_map<std::string_view, int> by_name_;  // for the long ones
  std::vector<Cell> cells_;                            // of the pending rows
  std::deque<std::string> texts_;                      // made while reading the pending rows
};

}  // namespace vmc::script
