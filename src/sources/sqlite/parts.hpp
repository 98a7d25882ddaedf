// The parts of an SQLite session that fill a file each.
#pragma once

#include "sources/sqlite/database.hpp"

namespace vmc::sources::sqlite {

Result<data::Schema> discover(Database& db);
Result<data::RowTypePtr> query(Database& db, const SqlQuery& query, const ReadLimits& limits, const BatchSink& sink);
// SCHEMA_ACCESS_DENIED unless they are still what was approved. In the transaction that reads them.
Result<void> check_unchanged(Database& db, const std::vector<const data::TableInfo*>& reached);
Result<LoadOutcome> load(Database& db, const LoadRequest& request, const data::TableInfo& table,
                         const BatchSource& rows);
Result<LoadOutcome> swap(Database& db, LoadRequest request, const data::TableInfo& table, std::int64_t rows);
Result<void> drop_aside(Database& db, LoadRequest request);

}  // namespace vmc::sources::sqlite
