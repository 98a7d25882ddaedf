// The way of a row through the product: read by a session, as sealed chunks, through a script in the sandbox or the
// cast to the destination's columns, as sealed chunks again, loaded by a session; and what became of it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "database.hpp"

namespace vmc::test {

enum class Way { script, cast };

struct Read {
  data::Batch batch;  // one row: the key and the value
  data::Value value;
};
// The value of one column in the row of that key.
Result<Read> read_value(sources::Session& session, const data::TableInfo& table, const std::string& column,
                        std::int64_t id);

// Rows of the destination's columns; an error, or the first row's refusal as one.
Result<data::Batch> pass(data::Batch batch, Way way, const data::RowTypePtr& destination);

// One column of a table that is loaded into, beside its key "id".
struct Destination {
  Database& database;
  sources::Session& loader;
  sources::Session& reader;
  data::TableInfo table;
  std::string column;

  data::RowTypePtr columns() const { return type_of(table, {"id", column}); }
  // Passes the rows and loads them.
  Result<void> take(data::Batch batch, Way way, sources::LoadRequest::Mode mode);
  Result<data::Value> read_back(std::int64_t id) const;
};

// "equal", or "refused: " and why; anything else is a value that was changed in silence.
std::string verdict(Destination& to, const data::Batch& row, const data::Value& value, Way way,
                    sources::LoadRequest::Mode mode);

// The same value, whatever kind it has here and there?
bool same(const data::Value& a, const data::Value& b);

// A value as it stands in a golden file: a long one is cut.
std::string label(const data::Value& value);

// One row: the key and the value.
data::Batch one_row(data::Type type, const std::string& column, std::int64_t id, const data::Value& value);

// Against tests/golden/matrix/NAME.json.
void check_found(const std::string& name, const Json& actual);

}  // namespace vmc::test
