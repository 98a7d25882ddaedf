// One prepared statement: prepare, execute, then rows as the protocol sends them. Leaving early stops it on the server.
#pragma once

#include <mysql.h>

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sources/mysql/connection.hpp"
#include "sources/mysql/params.hpp"

namespace vmc::sources::mysql {

class Statement {
 public:
  // What is wrong with an `analysed` statement is said in the server's own words: they speak of the text and of names,
  // as no row has been read.
  enum class Words { ours, analysed };
  static Result<Statement> prepare(Connection& db, const std::string& text, Words words = Words::ours);
  Statement(Statement&& other) noexcept;
  ~Statement();

  std::size_t params() const { return mysql_stmt_param_count(stmt_); }
  // Its outputs, as prepared and, once it runs, as they come.
  std::span<const MYSQL_FIELD> fields() const;

  Result<void> execute(Params& params);
  // Called for each value of a row: its column, and where its bytes start (null: NULL), to be moved behind them.
  using Value = void (*)(void* who, unsigned column, unsigned char** at);
  void on_value(Value call, void* who);
  Result<bool> fetch();  // false: there are no more rows
  std::uint64_t affected() const { return mysql_stmt_affected_rows(stmt_); }
  const unsigned char* buffer_end() const { return db_->handle()->net.buff_end; }

 private:
  Statement(Connection& db, MYSQL_STMT* stmt) : db_{&db}, stmt_{stmt} {}
  Error failed(std::string_view analysed = {});
  void describe();
  void drain();

  Connection* db_;
  MYSQL_STMT* stmt_;
  MYSQL_RES* metadata_ = nullptr;
  bool running_ = false;  // rows are still to come
  unsigned fetched_ = 0;
};

// The whole of a small result, every value as text.
using Cells = std::vector<std::vector<std::optional<std::string>>>;
Result<Cells> ask(Connection& db, const std::string& text, Params params = {});

}  // namespace vmc::sources::mysql
