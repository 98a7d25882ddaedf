#include <algorithm>

#include <fmt/format.h>

#include "sources/load_plan.hpp"
#include "sources/odbc/parts.hpp"
#include "sources/odbc/row_stream.hpp"
#include "sources/part_ends.hpp"
#include "sources/readings.hpp"
#include "sources/server_source.hpp"
#include "sql/dialect.hpp"

namespace vmc::sources {
namespace {

using namespace odbc;

constexpr auto kProbeLimit = std::chrono::seconds{10};

class OdbcSession final : public Session {
 public:
  explicit OdbcSession(std::unique_ptr<Connection> db) : db_{std::move(db)} {}

  Result<data::Schema> discover() override { return odbc::discover(*db_); }
  Result<RightsReport> rights() override { return odbc::rights(*db_); }

  Result<void> read(std::span<const Reading> readings, const data::TableInfo& table,
                    const ReadLimits& limits) override {
    VMC_TRY(texts, render_all(db_->server(), readings, table));
    VMC_TRY(transaction, Transaction::begin(*db_, limits.timeout));
    for (std::size_t i = 0; i < readings.size(); ++i) {
      const auto& intent = readings[i].intent;
      VMC_CHECK(stream(texts[i], intent.columns, table, readings[i].sink, intent.limit));
    }
    return {};
  }

  Result<data::RowTypePtr> query(const SqlQuery&, const ReadLimits&, const BatchSink&) override {
    return fail(Code::write_operation_rejected, "an ODBC connection takes intents only, no SQL",
                "No guard reads the dialect behind an ODBC driver; name tables and columns instead.");
  }

  Result<void> probe(const std::string& statement) override {
    VMC_TRY(transaction, Transaction::begin(*db_, kProbeLimit));
    return db_->run(statement);
  }

  Result<Split> split(const data::Intent& intent, const data::TableInfo& table,
                      const std::vector<std::string>& key, std::int64_t rows_per_part,
                      const ReadLimits& limits) override {
    VMC_TRY(text, sql::render_split(db_->server(), intent, table, key, rows_per_part));
    VMC_TRY(null_keys, sql::render_null_keys(db_->server(), intent, table, key));
    VMC_TRY(transaction, Transaction::begin(*db_, limits.timeout));
    if (null_keys) {
      VMC_TRY(statement, Statement::make(*db_));
      VMC_CHECK(statement.execute(*null_keys));
      VMC_TRY(found, statement.fetch());
      if (found)
        return null_key(table);
    }
    PartEnds ends{rows_per_part};
    const auto keep = [&](const data::Batch& batch) -> Result<void> {
      return ends.take(batch), Result<void>{};
    };
    VMC_CHECK(stream(text, key, table, keep));
    return parts_ending_at(key, ends.finish());
  }

  Result<void> read_keys(const data::TableInfo& table, const std::vector<std::string>& columns,
                         const std::vector<std::string>& key, const BatchSource& keys,
                         const ReadLimits& limits, const BatchSink& sink) override {
    VMC_TRY(type, row_type(columns, table));
    VMC_TRY(key_type, row_type(key, table));
    if (key.empty()) return fail(Code::invalid_request, "no key columns are named");
    VMC_TRY(transaction, Transaction::begin(*db_, limits.timeout));
    RowStream rows{table.name, type};
    const auto look_up = [&](KeyGroup group) -> Result<void> {
      VMC_TRY(text, sql::render_lookup(db_->server(), table, columns, key, std::move(group)));
      VMC_TRY(statement, Statement::make(*db_));
      VMC_CHECK(statement.execute(text));
      return rows.run(statement, sink);
    };
    VMC_CHECK(in_groups(keys, *key_type, kKeyParamsAtOnce / key.size(), look_up));
    return rows.finish(sink);
  }

  Result<LoadOutcome> load(const LoadRequest& request, const data::TableInfo& table,
                           const BatchSource& rows) override {
    VMC_CHECK(check_loading(db_->access()));
    return odbc::load(*db_, request, table, rows);
  }
  Result<LoadOutcome> swap(const LoadRequest& request, const data::TableInfo& table, std::int64_t rows) override {
    VMC_CHECK(check_loading(db_->access()));
    return odbc::swap(*db_, request, table, rows);
  }
  Result<void> drop_aside(const LoadRequest& request) override {
    VMC_CHECK(check_loading(db_->access()));
    return odbc::drop_aside(*db_, request);
  }

  bool alive() override { return db_->alive(); }
  bool reset() override { return db_->reset(); }
  void interrupt() noexcept override { db_->interrupt(); }

 private:
  Result<void> stream(const sql::Statement& text, const std::vector<std::string>& columns,
                      const data::TableInfo& table, const BatchSink& sink,
                      std::optional<std::int64_t> most = std::nullopt) {
    VMC_TRY(type, row_type(columns, table));
    VMC_TRY(statement, Statement::make(*db_));
    VMC_CHECK(statement.execute(text));
    RowStream rows{table.name, type};
    VMC_CHECK(rows.run(statement, sink, most));
    return rows.finish(sink);
  }

  std::unique_ptr<Connection> db_;
};

std::string_view kind_of(const OdbcSettings& settings) {
  if (settings.kind == "oracle") return "oracle";
  return settings.kind == "hana" ? "hana" : "odbc";
}

}  // namespace

std::unique_ptr<Source> make_odbc_source(OdbcSettings settings) {
  const auto kind = kind_of(settings);
  return std::make_unique<ServerSource<odbc::Connection, OdbcSession, OdbcSettings>>(kind,
                                                                                     std::move(settings));
}

}  // namespace vmc::sources
