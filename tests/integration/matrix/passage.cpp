#include "passage.hpp"

#include <algorithm>

#include "../../support/golden.hpp"
#include "crypto/hash.hpp"
#include "data/chunk.hpp"
#include "data/seal.hpp"
#include "script/sandbox.hpp"

namespace vmc::test {
namespace {

// Encoded, sealed, opened and decoded again.
Result<data::Batch> through_a_chunk(const data::Batch& batch) {
  const auto key = crypto::random_bytes(32);
  const data::ChunkLabel label{"tenant", "connector", "cmd_matrix", 1, 0, true};
  const auto sealed = data::seal_chunk(key, label, data::encode(batch));
  VMC_TRY(opened, data::open_chunk(key, label, sealed));
  return data::decode(opened);
}

// The sandbox on a loop that is turned by hand.
class Scripting {
 public:
  Result<script::ScriptOutput> run(data::Batch batch, const data::RowTypePtr& output) {
    if (!output_ || *output_ != *output) VMC_CHECK(load(output));
    auto done = wait(sandbox_->run(std::move(batch)));
    if (!done) output_.reset();  // the next one starts another child
    return done;
  }

 private:
  Result<void> load(const data::RowTypePtr& output) {
    script::Script script;
    script.name = "identity";
    script.source = "function transform(row) return row end";
    script.output = output;
    VMC_CHECK(wait(sandbox_->load(std::move(script))));
    output_ = output;
    return {};
  }
  template <class T>
  T wait(awaitable<T> work) {
    std::optional<T> out;
    auto done = [&out](std::exception_ptr error, T value) {
      if (error) std::rethrow_exception(error);
      out.emplace(std::move(value));
    };
    asio::co_spawn(loop_, std::move(work), done);
    loop_.restart();
    loop_.run();
    return std::move(*out);
  }
  asio::io_context loop_;
  Pool cpu_{"cpu", 1};
  std::unique_ptr<script::Sandbox> sandbox_ = script::make_sandbox(loop_, cpu_);
  data::RowTypePtr output_;
};

Error refused(const data::RowError& error) {
  return fail(Code::script_error, "row refused: column '" + error.column + "': " + error.reason);
}

std::string number_of(const data::Value& value) {
  return data::canonical_number(data::format(value)).value();
}

bool is_exact_number(const data::Value& value) {
  return std::holds_alternative<std::int64_t>(value) || std::holds_alternative<data::Decimal>(value) ||
         std::holds_alternative<data::Number>(value);
}

// The same row under another key.
data::Batch under(std::int64_t id, const Read& read) {
  return one_row(read.batch.columns[1].type(), (*read.batch.type)[1].name, id, read.value);
}

// A reason tells no row's value, unless the value is the limit that the reason names.
void check_tells_nothing(const std::string& found, const std::string& value) {
  if (value.size() < 4 || value == "24:00:00") return;
  INFO(found);
  CHECK(found.find(value) == std::string::npos);
}

}  // namespace

Result<Read> read_value(sources::Session& session, const data::TableInfo& table, const std::string& column,
                        std::int64_t id) {
  auto intent = intent_for(table, {"id", column});
  intent.filter = data::Filter{data::Filter::Op::eq, "id", {id}, {}};
  std::vector<data::Batch> batches;
  const auto keep = [&](data::Batch batch) -> Result<void> {
    if (batch.rows > 0) batches.push_back(std::move(batch));
    return {};
  };
  VMC_CHECK(session.read(intent, table, {}, keep));
  if (batches.size() != 1 || batches[0].rows != 1) return fail(Code::internal, "there is not one row of it");
  auto value = data::value_at(batches[0].columns[1], 0);
  return Read{std::move(batches[0]), std::move(value)};
}

void check_read(Database& database, const data::TableInfo& table, const std::vector<TypeCase>& types) {
  auto session = database.open(sources::Access::read);
  for (const auto& one : types) {
    CHECK(one.column + ": " + data::to_string(table.column(one.column)->type) == one.column + ": " + one.travels_as);
    const bool carried = std::any_of(one.values.begin(), one.values.end(),
                                     [](const Stored& each) { return each.read != "refused"; });
    for (std::size_t i = 0; i <= one.values.size(); ++i) {
      const auto read = read_value(*session, table, one.column, row_number(i));
      const auto expected = i < one.values.size() ? one.values[i].read : carried ? "NULL" : "refused";
      INFO(database.name() << " " << one.type << " " << (i < one.values.size() ? one.values[i].literal : "NULL"));
      if (read) {
        CHECK(shown(read->value) == expected);
        continue;
      }
      INFO(read.error().text());
      CHECK(expected == "refused");
      CHECK(read.error().message.find("column '" + one.column + "'") != std::string::npos);
      REQUIRE(session->reset());
    }
  }
}

Result<data::Batch> pass(data::Batch batch, Way way, const data::RowTypePtr& destination) {
  static Scripting scripting;
  VMC_TRY(arrived, through_a_chunk(batch));
  if (way == Way::script) {
    VMC_TRY(output, scripting.run(std::move(arrived), destination));
    if (!output.refused.empty()) return refused(output.refused.front());
    return through_a_chunk(output.batch);
  }
  VMC_TRY(outcome, data::cast(std::move(arrived), destination));
  if (!outcome.errors.empty()) return refused(outcome.errors.front());
  return through_a_chunk(outcome.batch);
}

Result<void> Destination::take(data::Batch batch, Way way, sources::LoadRequest::Mode mode) {
  static std::int64_t part = 0;
  VMC_TRY(rows, pass(std::move(batch), way, columns()));
  auto request = load_request(table, {"id", column}, "matrix", ++part);
  request.mode = mode;
  auto loaded = loader.load(request, table, once(std::move(rows)));
  if (!loaded) {
    loader.reset();
    return std::move(loaded).error();
  }
  return {};
}

Result<data::Value> Destination::read_back(std::int64_t id) const {
  const auto& seen = read_as ? *read_as : table;
  auto intent = intent_for(seen, {column});
  intent.filter = data::Filter{data::Filter::Op::eq, "id", {id}, {}};
  Rows rows;
  VMC_CHECK(reader.read(intent, seen, {}, into(rows)));
  if (rows.size() != 1) return fail(Code::internal, "there are " + std::to_string(rows.size()) + " rows of it");
  return rows[0][0];
}

std::string verdict(Destination& to, const data::Batch& row, const data::Value& value, Way way,
                    sources::LoadRequest::Mode mode) {
  const auto id = row.columns[0].int64s()[0];
  if (auto taken = to.take(row, way, mode); !taken) return "refused: " + taken.error().message;
  const auto back = to.read_back(id);
  if (!back) return "loaded, but not to be read: " + back.error().message;
  return same(value, *back) ? "equal" : "changed into " + shown(*back);
}

bool same(const data::Value& a, const data::Value& b) {
  if (is_exact_number(a) && is_exact_number(b)) return number_of(a) == number_of(b);
  const auto *x = std::get_if<double>(&a), *y = std::get_if<double>(&b);
  if (x && y) return *x == *y || (*x != *x && *y != *y);  // -0 is 0, as databases and the proof have it
  return data::is_null(a) == data::is_null(b) && shown(a) == shown(b);
}

std::string label(const data::Value& value) {
  constexpr std::size_t kShown = 80;
  const auto text = shown(value);
  return text.size() <= kShown ? text : text.substr(0, 8) + "... of " + std::to_string(text.size()) + " bytes";
}

data::Batch one_row(data::Type type, const std::string& column, std::int64_t id, const data::Value& value) {
  const auto row = std::make_shared<data::RowType>(
      data::RowType{{"id", {data::Kind::int64}, false}, {column, type, true}});
  return batch_of(row, {{id, value}});
}

Json together(const Json& values) {
  const auto first = values.begin().value();
  const bool alike = std::all_of(values.begin(), values.end(), [&](const Json& each) { return each == first; });
  return alike ? first : values;
}

Crossing::Crossing(End from, std::optional<End> own, End to, End back)
    : from_{std::move(from)}, own_{std::move(own)}, to_{std::move(to)}, back_{std::move(back)} {}

Json Crossing::column(const TypeCase& one) {
  if (!from_.table.column(one.column)) return "left out";
  Json out = Json::object();
  std::string why;
  for (std::size_t i = 0; i <= one.values.size(); ++i) {
    const auto read = read_value(*from_.session, from_.table, one.column, row_number(i));
    if (!read) {  // the tests of reading see to it
      why = read.error().message;
      REQUIRE(from_.session->reset());
      continue;
    }
    if (!own_) {
      out[label(read->value)] = value(one.column, *read, &read->value);
      continue;
    }
    const auto own = read_value(*own_->session, own_->table, one.column, row_number(i));
    if (!own) REQUIRE(own_->session->reset());
    out[label(read->value)] = value(one.column, *read, own ? &own->value : nullptr);
  }
  return out.empty() ? Json("not read: " + why) : together(out);
}

// What its own source refuses to read must at least be again what `from` read of it.
std::string Crossing::value(const std::string& column, const Read& read, const data::Value* own) {
  const auto& back = own ? back_ : from_;
  const auto& expected = own ? *own : read.value;
  Destination to{*to_.session, *back.session, to_.table, column, own ? back_.table : to_.table};
  const auto by_cast = verdict(to, under(++id_, read), expected, Way::cast, sources::LoadRequest::Mode::insert);
  const auto by_script = verdict(to, under(++id_, read), expected, Way::script, sources::LoadRequest::Mode::upsert);
  INFO(column << " of " << from_.table.name << ", " << label(read.value) << ": " << by_cast);
  INFO("by a script: " << by_script);
  CHECK((by_cast == "equal" || by_cast.starts_with("refused: ")));
  CHECK((by_script == "equal" || by_script.starts_with("refused: ")));
  CHECK((by_cast == "equal") == (by_script == "equal"));
  if (by_cast != "equal") check_tells_nothing(by_cast, shown(read.value));
  if (by_script != "equal") check_tells_nothing(by_script, shown(read.value));
  return by_cast;
}

void check_found(const std::string& name, const Json& actual) {
  check_golden("matrix/" + name + ".json", actual.dump(2) + "\n");
}

}  // namespace vmc::test
