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

// Every value of a table that was filled is read as its case says. A type of which no value is read is refused with its
// nulls.
void check_read(Database& database, const data::TableInfo& table, const std::vector<TypeCase>& types);

// Rows of the destination's columns; an error, or the first row's refusal as one.
Result<data::Batch> pass(data::Batch batch, Way way, const data::RowTypePtr& destination);

// One column of a table that is loaded into, beside its key "id".
struct Destination {
  sources::Session& loader;
  sources::Session& reader;
  data::TableInfo table;
  std::string column;
  std::optional<data::TableInfo> read_as = std::nullopt;  // the table as the reader sees it, where that is otherwise

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

// One for all where all are the same.
Json together(const Json& values);

// The types of one database on their way into a table that has a column for each.
class Crossing {
 public:
  struct End {
    std::unique_ptr<sources::Session> session;
    data::TableInfo table;
  };
  // `own` reads the same rows as `from` and says what must be found at `back`; without one `from` does.
  Crossing(End from, std::optional<End> own, End to, End back);

  // What became of each value; "left out" of a column that is not seen, "not read: " and why of one that is refused whole.
  Json column(const TypeCase& one);

 private:
  std::string value(const std::string& column, const Read& read, const data::Value* own);

  End from_;
  std::optional<End> own_;
  End to_, back_;
  std::int64_t id_ = 0;
};

// Against tests/golden/matrix/NAME.json.
void check_found(const std::string& name, const Json& actual);

}  // namespace vmc::test
