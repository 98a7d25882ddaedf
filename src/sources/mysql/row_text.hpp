// A batch's values as the text LOAD DATA reads, each checked first: MySQL would round, cut or pad without a word.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "data/batch.hpp"
#include "data/schema.hpp"

namespace vmc::sources::mysql {

// A column of the table that is written to, as the server's catalogue has it now.
struct TargetColumn {
  std::string name;
  std::string data_type;    // "varchar"
  std::string column_type;  // "varchar(20)"
  std::string charset;      // of text
  std::string collation;
  std::int64_t longest = -1;       // characters of char and varchar, bytes of everything else that varies; -1: no bound
  int fraction = 6;                // digits of a second that are kept
  int precision = 65, scale = 30;  // of a decimal
  int float_scale = -1;            // of float(7,2); -1: as many digits as there are
  std::vector<std::string> members;  // of enum and set
};

// The text of one column's values.
class CellText {
 public:
  struct Range {
    std::int64_t least, most;
  };
  CellText(const TargetColumn& target, const data::Column& column);
  bool is_null(std::size_t row) const { return column_.is_null(row); }
  bool needs_escape() const { return text_; }  // anything may stand in it
  bool is_binary() const { return column_.type().kind == data::Kind::bytes; }
  // Valid until the next call. What is wrong with the value (never the value itself); null: nothing.
  const char* get(std::size_t row, std::string_view& out);

 private:
  const char* whole(std::int64_t value, std::string_view& out);
  const char* real(double value, std::string_view& out);
  const char* decimal(data::Int128 value, std::string_view& out);
  const char* number(std::string_view value, std::string_view& out);
  const char* fits(std::string_view value) const;
  const char* is_member(std::string_view value) const;
  const char* instant(std::int64_t micros, std::string_view& out);
  const char* time(std::int64_t micros, std::string_view& out);
  const char* date(std::int32_t days, std::string_view& out);

  const TargetColumn& target_;
  const data::Column& column_;
  bool text_;
  bool year_, unsigned_;
  Range range_;
  bool stamp_, single_, padded_text_, padded_bytes_, counted_, utf8_;
  char scratch_[160];
  std::string long_;
};

// The rows as lines: fields divided by tabs, ended by a newline, escaped with a backslash, \N for null.
class RowText {
 public:
  explicit RowText(const std::vector<TargetColumn>& targets) : targets_{targets} {}
  // INVALID_REQUEST names column and row, never the value, when the column would not keep it exactly.
  Result<void> append(const data::Batch& batch, std::string& out);
  std::int64_t rows() const { return written_; }
  void count(std::size_t rows) { written_ += static_cast<std::int64_t>(rows); }
  Error refuse(std::size_t column, std::size_t row, std::string_view why) const;

 private:
  const std::vector<TargetColumn>& targets_;
  std::int64_t written_ = 0;
};

}  // namespace vmc::sources::mysql
