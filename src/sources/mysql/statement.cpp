#include "sources/mysql/statement.hpp"

#include <utility>

#include "sources/mysql/decode.hpp"

namespace vmc::sources::mysql {
namespace {

constexpr unsigned kRowsBetweenChecks = 1024;

struct TextRow {
  Statement& statement;
  std::vector<std::optional<std::string>> cells;
  bool mangled = false;

  static void take(void* who, unsigned column, unsigned char** at) {
    auto& row = *static_cast<TextRow*>(who);
    auto& cell = row.cells[column];
    cell.reset();
    if (!at || row.mangled) return;
    const Reach reach{*at, row.statement.buffer_end()};
    cell = as_text(row.statement.fields()[column], reach, *at);
    row.mangled = !cell;
  }
};

}  // namespace

Result<Statement> Statement::prepare(Connection& db, const std::string& text, Words words) {
  VMC_CHECK(db.go_on());
  MYSQL_STMT* made = mysql_stmt_init(db.handle());
  if (!made) return fail(Code::unavailable, "memory ran out");
  Statement statement{db, made};
  const Connection::Call call{db};
  if (mysql_stmt_prepare(made, text.data(), text.size()) != 0)
    return statement.failed(words == Words::analysed ? std::string_view{text} : std::string_view{});
  statement.describe();
  return statement;
}

Statement::Statement(Statement&& other) noexcept
    : db_{other.db_},
      stmt_{std::exchange(other.stmt_, nullptr)},
      metadata_{std::exchange(other.metadata_, nullptr)},
      running_{std::exchange(other.running_, false)} {}

Statement::~Statement() {
  if (metadata_) mysql_free_result(metadata_);
  if (!stmt_) return;
  if (running_) drain();
  const Connection::Call call{*db_};
  mysql_stmt_close(stmt_);
}

void Statement::drain() {
  on_value([](void*, unsigned, unsigned char**) {}, nullptr);
  db_->end_soon();
  for (;;) {
    auto more = fetch();
    if (!more || !*more) return;
  }
}

void Statement::describe() {
  if (metadata_) mysql_free_result(metadata_);
  metadata_ = mysql_stmt_result_metadata(stmt_);
}

std::span<const MYSQL_FIELD> Statement::fields() const {
  if (!metadata_) return {};
  return {mysql_fetch_fields(metadata_), mysql_num_fields(metadata_)};
}

Error Statement::failed(std::string_view analysed) {
  running_ = false;
  // An error between rows is noted at the connection only.
  if (mysql_stmt_errno(stmt_) == 0) return db_->failed(db_->failure(), analysed);
  return db_->failed(
      {.number = mysql_stmt_errno(stmt_), .state = mysql_stmt_sqlstate(stmt_), .words = mysql_stmt_error(stmt_)},
      analysed);
}

Result<void> Statement::execute(Params& params) {
  VMC_CHECK(db_->go_on());
  if (params.size() != this->params())
    return fail(Code::internal, "a statement was given another number of parameters than it has");
  const Connection::Call call{*db_};
  if (params.size() > 0 && mysql_stmt_bind_param(stmt_, params.binds()) != 0) return failed();
  if (mysql_stmt_execute(stmt_) != 0) return failed();
  if (mysql_stmt_field_count(stmt_) == 0) return {};
  running_ = true;
  describe();
  return {};
}

void Statement::on_value(Value call, void* who) {
  mysql_stmt_attr_set(stmt_, STMT_ATTR_CB_USER_DATA, who);
  mysql_stmt_attr_set(stmt_, STMT_ATTR_CB_RESULT, reinterpret_cast<const void*>(call));
}

Result<bool> Statement::fetch() {
  if (++fetched_ % kRowsBetweenChecks == 0) {
    VMC_CHECK(db_->stop_or_go_on());
    VMC_CHECK(db_->go_on());  // what is still on its way is not handed on
  }
  db_->row_came();
  const Connection::Call call{*db_};
  switch (mysql_stmt_fetch(stmt_)) {
    case 0:
      return true;
    case MYSQL_NO_DATA:
      running_ = false;
      return false;
    default:
      return failed();
  }
}

Result<Cells> ask(Connection& db, const std::string& text, Params params) {
  VMC_TRY(statement, Statement::prepare(db, text));
  VMC_CHECK(statement.execute(params));
  TextRow row{statement, std::vector<std::optional<std::string>>(statement.fields().size())};
  statement.on_value(&TextRow::take, &row);
  Cells cells;
  for (;;) {
    VMC_TRY(more, statement.fetch());
    if (row.mangled) return fail(Code::database_error, "the server sent a value in another form than asked for");
    if (!more) return cells;
    cells.push_back(row.cells);
  }
}

}  // namespace vmc::sources::mysql
