#include <unistd.h>

#include "sources/load_plan.hpp"
#include "sources/readings.hpp"
#include "sources/sqlite/cells.hpp"
#include "sources/sqlite/parts.hpp"
#include "sql/dialect.hpp"

namespace vmc::sources {
namespace {

using sqlite::Database;
using sqlite::Stmt;
using sqlite::Transaction;

constexpr auto kDiscoverLimit = std::chrono::minutes{2};
constexpr auto kProbeLimit = std::chrono::seconds{10};

// Rows of a running statement as batches.
class RowStream {
 public:
  RowStream(const data::TableInfo& table, const std::vector<std::string>& columns, data::RowTypePtr type)
      : table_{table}, batch_{std::move(type)} {
    for (const auto& name : columns) columns_.push_back(table.column(name));
  }

  Result<void> take_row(sqlite3_stmt* row, const BatchSink& sink) {
    ++row_;
    for (std::size_t i = 0; i < columns_.size(); ++i)
      if (const char* why = sqlite::read_cell(row, static_cast<int>(i), *columns_[i], batch_.column(i)))
        return unfit_cell(table_.name, columns_[i]->name, row_, why);
    batch_.end_row();
    if (batch_.full()) return sink(batch_.finish());
    return {};
  }

  Result<void> finish(const BatchSink& sink) {
    if (batch_.rows() == 0) return {};
    return sink(batch_.finish());
  }

 private:
  const data::TableInfo& table_;
  std::vector<const data::ColumnInfo*> columns_;
  data::BatchBuilder batch_;
  std::uint64_t row_ = 0;
};

class SqliteSession final : public Session {
 public:
  SqliteSession(std::string file, std::unique_ptr<Database> db)
      : file_{std::move(file)}, db_{std::move(db)} {}

  Result<data::Schema> discover() override {
    VMC_CHECK(db_->start(kDiscoverLimit));
    return sqlite::discover(*db_);
  }

  Result<RightsReport> rights() override {
    RightsReport report;
    report.can_write = access(file_.c_str(), W_OK) == 0;
    if (report.can_write)
      report.findings.push_back(
          "The account that runs vmc can write the file '" + file_ +
          "'. Sessions open it read-only all the same; to have the system hold that too, give "
          "the account read permission only: chmod o-w,g-w and another owner.");
    return report;
  }

  Result<void> read(std::span<const Reading> readings, const data::TableInfo& table,
                    const ReadLimits& limits) override {
    VMC_TRY(texts, render_all(sql::Dialect::sqlite, readings, table));
    VMC_CHECK(db_->start(limits.timeout));
    VMC_TRY(transaction, Transaction::begin(*db_));
    VMC_CHECK(sqlite::check_unchanged(*db_, limits.reached));
    for (std::size_t i = 0; i < readings.size(); ++i)
      VMC_CHECK(stream(texts[i], readings[i].intent.columns, table, readings[i].sink));
    return {};
  }

  Result<data::RowTypePtr> query(const SqlQuery& query, const ReadLimits& limits, const BatchSink& sink) override {
    VMC_CHECK(db_->start(limits.timeout));
    return sqlite::query(*db_, query, limits, sink);
  }

  Result<void> probe(const std::string& statement) override {
    VMC_CHECK(db_->start(kProbeLimit));
    VMC_TRY(transaction, sqlite::Transaction::begin(*db_));
    return db_->run(statement);
  }

  Result<Split> split(const data::Intent& intent, const data::TableInfo& table,
                      const std::vector<std::string>& key, std::int64_t rows_per_part,
                      const ReadLimits& limits) override {
    VMC_TRY(text, sql::render_split(sql::Dialect::sqlite, intent, table, key, rows_per_part));
    VMC_TRY(null_keys, sql::render_null_keys(sql::Dialect::sqlite, intent, table, key));
    VMC_CHECK(db_->start(limits.timeout));
    VMC_TRY(transaction, Transaction::begin(*db_));
    VMC_CHECK(sqlite::check_unchanged(*db_, limits.reached));
    if (null_keys) {
      VMC_TRY(search, bound(*null_keys));
      VMC_TRY(found, db_->step(search.get()));
      if (found)
        return null_key(table);
    }
    std::vector<data::Batch> ends;
    VMC_CHECK(stream(text, key, table, [&](data::Batch batch) -> Result<void> {
      ends.push_back(std::move(batch));
      return {};
    }));
    return parts_ending_at(key, ends);
  }

  Result<void> read_keys(const data::TableInfo& table, const std::vector<std::string>& columns,
                         const std::vector<std::string>& key, const BatchSource& keys,
                         const ReadLimits& limits, const BatchSink& sink) override {
    VMC_TRY(type, row_type(columns, table));
    VMC_TRY(key_type, row_type(key, table));
    VMC_TRY(lookup, lookup_text(table, columns, key));
    VMC_CHECK(db_->start(limits.timeout));
    VMC_TRY(transaction, Transaction::begin(*db_));
    VMC_CHECK(sqlite::check_unchanged(*db_, limits.reached));
    VMC_TRY(statement, db_->prepare(lookup));
    RowStream rows{table, columns, type};
    for (;;) {
      VMC_TRY(batch, keys());
      if (!batch) break;
      VMC_CHECK(check_keys(*batch, *key_type));
      for (std::size_t row = 0; row < batch->rows; ++row)
        VMC_CHECK(look_up(statement.get(), table, key, *batch, row, rows, sink));
    }
    return rows.finish(sink);
  }

  Result<LoadOutcome> load(const LoadRequest& request, const data::TableInfo& table,
                           const BatchSource& rows) override {
    VMC_CHECK(check_loading(db_->access()));
    return sqlite::load(*db_, request, table, rows);
  }

  Result<LoadOutcome> swap(const LoadRequest& request, const data::TableInfo& table, std::int64_t rows) override {
    VMC_CHECK(check_loading(db_->access()));
    return sqlite::swap(*db_, request, table, rows);
  }

  Result<void> drop_aside(const LoadRequest& request) override {
    VMC_CHECK(check_loading(db_->access()));
    return sqlite::drop_aside(*db_, request);
  }

  bool reset() override { return db_->reset(); }
  bool alive() override { return true; }
  void interrupt() noexcept override { db_->interrupt(); }

 private:
  Result<Stmt> bound(const sql::Statement& text) {
    VMC_TRY(statement, db_->prepare(text.text));
    for (std::size_t i = 0; i < text.params.size(); ++i)
      VMC_CHECK(db_->bind(statement.get(), static_cast<int>(i + 1), text.params[i]));
    return statement;
  }

  Result<void> stream(const sql::Statement& text, const std::vector<std::string>& columns,
                      const data::TableInfo& table, const BatchSink& sink) {
    VMC_TRY(type, row_type(columns, table));
    VMC_TRY(statement, bound(text));
    RowStream rows{table, columns, type};
    for (;;) {
      VMC_TRY(more, db_->step(statement.get()));
      if (!more) return rows.finish(sink);
      VMC_CHECK(rows.take_row(statement.get(), sink));
    }
  }

  static Result<std::string> lookup_text(const data::TableInfo& table,
                                         const std::vector<std::string>& columns,
                                         const std::vector<std::string>& key) {
    if (key.empty()) return fail(Code::invalid_request, "no key columns are named");
    VMC_TRY(list, sql::select_list(sql::Dialect::sqlite, columns, table));
    VMC_TRY(from, sql::quote_table(sql::Dialect::sqlite, table.name));
    std::string where;
    for (std::size_t i = 0; i < key.size(); ++i) {
      VMC_TRY(quoted, sql::quote(sql::Dialect::sqlite, key[i]));
      where += (i ? " AND " : " WHERE ") + quoted + " = ?" + std::to_string(i + 1);
    }
    return "SELECT " + list + " FROM " + from + where;
  }

  // Keys are compared as a load writes them (canonical text), so that their index serves.
  Result<void> look_up(sqlite3_stmt* statement, const data::TableInfo& table,
                       const std::vector<std::string>& key, const data::Batch& batch, std::size_t row,
                       RowStream& rows, const BatchSink& sink) {
    for (std::size_t i = 0; i < key.size(); ++i) {
      const auto& column = *table.column(key[i]);
      // What SQLite cannot even bind, it does not hold.
      if (sqlite::bind_cell(statement, static_cast<int>(i + 1), column, batch.columns[i], row)) return {};
    }
    for (;;) {
      VMC_TRY(more, db_->step(statement));
      if (!more) break;
      VMC_CHECK(rows.take_row(statement, sink));
    }
    sqlite3_reset(statement);
    return {};
  }

  std::string file_;
  std::unique_ptr<Database> db_;
};

class SqliteSource final : public Source {
 public:
  explicit SqliteSource(SqliteSourceSettings settings) : settings_{std::move(settings)} {}
  std::string_view type() const override { return "sqlite"; }
  Result<std::unique_ptr<Session>> open(Access access, Duration timeout) override {
    VMC_TRY(db, Database::open(settings_.file, access, timeout));
    return std::unique_ptr<Session>{std::make_unique<SqliteSession>(settings_.file, std::move(db))};
  }

 private:
  SqliteSourceSettings settings_;
};

}  // namespace

std::unique_ptr<Source> make_sqlite_source(SqliteSourceSettings settings) {
  return std::make_unique<SqliteSource>(std::move(settings));
}

}  // namespace vmc::sources
