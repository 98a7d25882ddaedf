// Rows as lists of values, for tests: into batches and out of them.
#pragma once

#include <catch2/catch.hpp>

#include "show_result.hpp"
#include "sources/source.hpp"

namespace vmc::test {

using Row = std::vector<data::Value>;
using Rows = std::vector<Row>;

inline data::RowTypePtr type_of(const data::TableInfo& table, const std::vector<std::string>& columns) {
  auto out = std::make_shared<data::RowType>();
  for (const auto& name : columns) {
    const auto* column = table.column(name);
    REQUIRE(column);
    out->push_back({column->name, column->type, column->nullable});
  }
  return out;
}

inline data::Batch batch_of(const data::RowTypePtr& type, const Rows& rows) {
  data::BatchBuilder builder{type};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) REQUIRE(data::append(builder.column(i), row[i]));
    builder.end_row();
  }
  return builder.finish();
}

inline sources::BatchSource once(data::Batch batch) {
  auto left =
      std::make_shared<std::optional<data::Batch>>(std::move(batch));  // std::function copies its closure
  return [left]() -> Result<std::optional<data::Batch>> { return std::exchange(*left, std::nullopt); };
}

inline sources::BatchSink into(Rows& rows) {
  return [&rows](data::Batch batch) -> Result<void> {
    for (std::size_t row = 0; row < batch.rows; ++row) {
      rows.emplace_back();
      for (const auto& column : batch.columns) rows.back().push_back(data::value_at(column, row));
    }
    return {};
  };
}

inline data::TableInfo table_named(sources::Session& session, std::string_view name) {
  auto schema = session.discover();
  if (!schema) FAIL(schema.error().text());
  const auto* table = schema->table(name);
  INFO(name);
  REQUIRE(table);
  return *table;
}

inline data::Intent intent_for(const data::TableInfo& table, std::vector<std::string> columns,
                               std::vector<data::Order> order = {}) {
  data::Intent intent;
  intent.table = table.name;
  intent.columns = std::move(columns);
  intent.order = std::move(order);
  return intent;
}

inline Rows read_all(sources::Session& session, const data::Intent& intent, const data::TableInfo& table) {
  Rows rows;
  auto outcome = session.read(intent, table, {}, into(rows));
  if (!outcome) FAIL(outcome.error().text());
  return rows;
}

inline sources::LoadRequest load_request(const data::TableInfo& table,
                                         const std::vector<std::string>& columns, std::string scope,
                                         std::int64_t part = 0, std::int64_t epoch = 1) {
  sources::LoadRequest request;
  request.table = table.name;
  request.key = table.primary_key;
  request.columns = type_of(table, columns);
  request.applied_scope = std::move(scope);
  request.part = part;
  request.attempt_epoch = epoch;
  return request;
}

inline Result<sources::LoadOutcome> load(sources::Session& session, const sources::LoadRequest& request,
                                         const data::TableInfo& table, const Rows& rows) {
  return session.load(request, table, once(batch_of(request.columns, rows)));
}

inline sources::LoadOutcome must_load(sources::Session& session, const sources::LoadRequest& request,
                                      const data::TableInfo& table, const Rows& rows) {
  auto outcome = load(session, request, table, rows);
  if (!outcome) FAIL(outcome.error().text());
  return *outcome;
}

}  // namespace vmc::test
