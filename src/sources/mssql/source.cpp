#include <fmt/format.h>

#include "sources/load_plan.hpp"
#include "sources/mssql/decode.hpp"
#include "sources/mssql/parts.hpp"
#include "sources/readings.hpp"
#include "sources/server_source.hpp"
#include "sources/unchanged.hpp"
#include "sql/dialect.hpp"
#include "sql/guard/mssql/lexer.hpp"

namespace vmc::sources {
namespace {

using namespace mssql;

constexpr auto kProbeLimit = std::chrono::seconds{10};
constexpr std::size_t kKeyParamsAtOnce =
    1'000;  // of the 2,100 a request can have; more cost the plan more than they save

// Rows of a streamed statement as batches.
class RowStream {
 public:
  RowStream(Connection& db, std::string table, data::RowTypePtr type)
      : db_{db}, table_{std::move(table)}, batch_{std::move(type)} {}

  // Until the statement ends; may be called for several statements of one projection.
  Result<void> run(const BatchSink& sink) {
    auto outcome = stream(sink);
    if (!outcome) db_.abandon();
    return outcome;
  }

  Result<void> finish(const BatchSink& sink) {
    if (batch_.rows() == 0) return {};
    return sink(batch_.finish());
  }

 private:
  Result<void> stream(const BatchSink& sink) {
    VMC_CHECK(choose_decoders());
    for (;;) {
      VMC_TRY(row, db_.next_row());
      if (!row) break;
      VMC_CHECK(take_row());
      if (batch_.full()) VMC_CHECK(sink(batch_.finish()));
    }
    VMC_TRY(more, db_.next_result());
    if (more) return fail(Code::write_operation_rejected, "the statement gave more than one result");
    return {};
  }

  Result<void> choose_decoders() {
    const auto& fields = *batch_.type();
    if (dbnumcols(db_.handle()) != static_cast<int>(fields.size())) return changed("");
    decoders_.clear();
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const auto decoder = decoder_for(fields[i].type, dbcoltype(db_.handle(), static_cast<int>(i) + 1));
      if (!decoder) return changed(fields[i].name);
      decoders_.push_back(decoder);
    }
    return {};
  }

  Error changed(const std::string& column) const {
    return fail(Code::conflict, fmt::format("column '{}' of table '{}' has changed its type", column, table_),
                "Discover the schema again.");
  }

  Result<void> take_row() {
    ++row_;
    const auto& fields = *batch_.type();
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const int place = static_cast<int>(i) + 1;
      const auto* data = dbdata(db_.handle(), place);
      auto& column = batch_.column(i);
      if (!data) {
        column.null();
        continue;
      }
      if (const char* why = decoders_[i](data, dbdatlen(db_.handle(), place), fields[i].type, column))
        return unfit_cell(table_, fields[i].name, row_, why);
    }
    if (db_.text_lost()) return unfit_cell(table_, "of text", row_, "a text is not valid Unicode");
    batch_.end_row();
    return {};
  }

  Connection& db_;
  std::string table_;
  data::BatchBuilder batch_;
  std::vector<Decoder> decoders_;
  std::uint64_t row_ = 0;
};

// "sql_variant" and spatial columns have no one form.
Result<void> check_readable(const data::TableInfo& table, const std::vector<std::string>& names) {
  for (const auto& name : names) {
    const auto* column = table.column(name);
    for (std::string_view type : {"sql_variant", "geography", "geometry"})
      if (column && column->sql_type == type)
        return fail(
            Code::invalid_request,
            fmt::format("column '{}' of table '{}' is a {}, whose values have no one type", name, table.name, type),
            "Share a view that casts it to the type you want, or leave the column out.");
  }
  return {};
}

// The highest of @p1, @p2, …: the server would take a value too many without a word.
std::size_t parameters_of(const std::string& statement) {
  std::size_t highest = 0;
  for (const auto& token : sql::mssql::lex(statement).list)
    if (token.kind == sql::Token::Kind::parameter)
      highest = std::max<std::size_t>(highest, std::strtoul(token.text.data() + 2, nullptr, 10));
  return highest;
}

class MssqlSession final : public Session {
 public:
  explicit MssqlSession(std::unique_ptr<Connection> db) : db_{std::move(db)} {}

  Result<data::Schema> discover() override { return mssql::discover(*db_); }
  Result<RightsReport> rights() override { return mssql::rights(*db_); }

  Result<void> read(std::span<const Reading> readings, const data::TableInfo& table,
                    const ReadLimits& limits) override {
    VMC_TRY(texts, render_all(sql::Dialect::mssql, readings, table));
    for (const auto& reading : readings) VMC_CHECK(check_readable(table, reading.intent.columns));
    VMC_TRY(transaction, Transaction::begin(*db_, limits.timeout));
    VMC_CHECK(check_reached(limits));
    for (std::size_t i = 0; i < readings.size(); ++i)
      VMC_CHECK(stream(texts[i], readings[i].intent.columns, table, readings[i].sink));
    return check_views(limits);
  }

  // Parameters stand in the text as @p1, @p2 … It runs in sp_executesql, so that what it might set or create ends
  // with it.
  Result<data::RowTypePtr> query(const SqlQuery& query, const ReadLimits& limits, const BatchSink& sink) override {
    Params params;
    for (const auto& value : query.params) VMC_CHECK(params.value(value));
    if (const auto count = parameters_of(query.text); count != query.params.size())
      return fail(Code::invalid_request,
                  fmt::format("the statement has {} parameters, {} were sent", count, query.params.size()));
    VMC_TRY(transaction, Transaction::begin(*db_, limits.timeout));
    if (query.ignores_case) VMC_CHECK(check_ignores_case(ignores_case_, [&] { return ignores_case(*db_); }));
    for (const auto* table : query.whole) VMC_CHECK(check_columns_of(*table));
    VMC_CHECK(check_reached(limits));
    VMC_CHECK(db_->send(query.text, params, true));
    auto outcome = stream_query(sink);
    if (!outcome) db_->abandon();
    if (outcome) VMC_CHECK(transaction.check_open());
    if (outcome) VMC_CHECK(check_views(limits));
    return outcome;
  }

  Result<void> probe(const std::string& statement) override {
    VMC_TRY(transaction, Transaction::begin(*db_, kProbeLimit));
    VMC_CHECK(db_->run(statement));
    return transaction.check_open();
  }

  Result<Split> split(const data::Intent& intent, const data::TableInfo& table, const std::vector<std::string>& key,
                      std::int64_t rows_per_part, const ReadLimits& limits) override {
    VMC_TRY(text, sql::render_split(sql::Dialect::mssql, intent, table, key, rows_per_part));
    VMC_TRY(null_keys, sql::render_null_keys(sql::Dialect::mssql, intent, table, key));
    VMC_CHECK(check_readable(table, key));
    VMC_TRY(transaction, Transaction::begin(*db_, limits.timeout));
    VMC_CHECK(check_reached(limits));
    if (null_keys) {
      Params params;
      for (const auto& value : null_keys->params) VMC_CHECK(params.value(value));
      VMC_TRY(found, db_->run(null_keys->text, params));
      if (!found.empty())
        return null_key(table);
    }
    std::vector<data::Batch> ends;
    const auto keep = [&](data::Batch batch) -> Result<void> {
      ends.push_back(std::move(batch));
      return {};
    };
    VMC_CHECK(stream(text, key, table, keep));
    VMC_CHECK(check_views(limits));
    return parts_ending_at(key, ends);
  }

  Result<void> read_keys(const data::TableInfo& table, const std::vector<std::string>& columns,
                         const std::vector<std::string>& key, const BatchSource& keys, const ReadLimits& limits,
                         const BatchSink& sink) override {
    VMC_TRY(type, row_type(columns, table));
    VMC_TRY(key_type, row_type(key, table));
    if (key.empty()) return fail(Code::invalid_request, "no key columns are named");
    VMC_CHECK(check_readable(table, columns));
    VMC_TRY(transaction, Transaction::begin(*db_, limits.timeout));
    VMC_CHECK(check_reached(limits));
    RowStream rows{*db_, table.name, type};
    const auto look_up = [&](KeyGroup group) -> Result<void> {
      VMC_TRY(text, sql::render_lookup(table, columns, key, std::move(group)));
      VMC_CHECK(send(text));
      return rows.run(sink);
    };
    VMC_CHECK(in_groups(keys, *key_type, kKeyParamsAtOnce / key.size(), look_up));
    VMC_CHECK(rows.finish(sink));
    return check_views(limits);
  }

  Result<LoadOutcome> load(const LoadRequest& request, const data::TableInfo& table,
                           const BatchSource& rows) override {
    VMC_CHECK(check_loading(db_->access()));
    return mssql::load(*db_, request, table, rows);
  }

  Result<LoadOutcome> swap(const LoadRequest& request, const data::TableInfo& table, std::int64_t rows) override {
    VMC_CHECK(check_loading(db_->access()));
    return mssql::swap(*db_, request, table, rows);
  }

  Result<void> drop_aside(const LoadRequest& request) override {
    VMC_CHECK(check_loading(db_->access()));
    return mssql::drop_aside(*db_, request);
  }

  bool alive() override { return db_->alive(); }
  bool reset() override { return db_->reset(); }
  void interrupt() noexcept override { db_->interrupt(); }

 private:
  Result<void> check_reached(const ReadLimits& limits) {
    for (const auto* table : limits.reached) VMC_CHECK(check_unchanged(*db_, *table));
    return {};
  }
  // Once more behind the read: a view that was redefined meanwhile has another text then.
  Result<void> check_views(const ReadLimits& limits) {
    for (const auto* table : limits.reached)
      if (table->view) VMC_CHECK(check_unchanged(*db_, *table));
    return {};
  }

  // A star reaches what the table has now: that must be what was approved.
  Result<void> check_columns_of(const data::TableInfo& table) {
    VMC_TRY(quoted, sql::quote_table(sql::Dialect::mssql, table.name));
    Params params;
    params.text(quoted);
    VMC_TRY(rows, db_->run("SELECT c.name FROM sys.columns AS c WHERE c.object_id = OBJECT_ID(@p1) AND c.is_hidden = 0 "
                           "ORDER BY c.column_id",
                           params));
    std::vector<std::string> found;
    for (const auto& row : rows) found.push_back(text_of(row, 0));
    return check_columns(table, found);
  }

  Result<data::RowTypePtr> stream_query(const BatchSink& sink) {
    data::RowType type;
    for (int i = 1; i <= dbnumcols(db_->handle()); ++i) {
      const std::string name = dbcolname(db_->handle(), i);
      const auto* info = dbcoltypeinfo(db_->handle(), i);
      const auto known = type_of_result(dbcoltype(db_->handle(), i), info->precision, info->scale);
      if (!known)
        return fail(Code::invalid_request,
                    fmt::format("output {} of the query has a type whose values have no one form", i),
                    "CAST it to the type you want.");
      type.push_back({name, *known, true});
    }
    if (type.empty()) return fail(Code::invalid_request, "the query has no columns");
    auto shared = std::make_shared<const data::RowType>(std::move(type));
    RowStream rows{*db_, "the query", shared};
    VMC_CHECK(rows.run(sink));
    VMC_CHECK(rows.finish(sink));
    return shared;
  }

  Result<void> send(const sql::Statement& text) {
    Params params;
    for (const auto& value : text.params) VMC_CHECK(params.value(value));
    return db_->send(text.text, params);
  }

  Result<void> stream(const sql::Statement& text, const std::vector<std::string>& columns, const data::TableInfo& table,
                      const BatchSink& sink) {
    VMC_TRY(type, row_type(columns, table));
    VMC_CHECK(send(text));
    RowStream rows{*db_, table.name, type};
    VMC_CHECK(rows.run(sink));
    return rows.finish(sink);
  }

  std::unique_ptr<Connection> db_;
  std::optional<bool> ignores_case_;  // asked when it is needed
};

}  // namespace

std::unique_ptr<Source> make_mssql_source(ServerSettings settings) {
  return std::make_unique<ServerSource<mssql::Connection, MssqlSession>>("mssql", std::move(settings));
}

}  // namespace vmc::sources
