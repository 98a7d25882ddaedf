#include "agent/executor.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "activities/row_digest.hpp"
#include "agent/transfers.hpp"
#include "core/crash_point.hpp"
#include "core/log.hpp"
#include "sql/guard/shape.hpp"

namespace vmc::agent {
namespace {

constexpr std::size_t kQueryRowsMax = 10'000;
static_assert(wire::kStatementBytesMax == sql::kStatementBytesMax, "what may be sent is what may be judged");
constexpr std::size_t kJudgedOnLoop = 8u << 10;  // bytes of a statement; longer ones on the cpu pool
constexpr Duration kLoadTimeout = std::chrono::minutes{10};

wire::CommandResult result_for(const wire::Command& command) {
  wire::CommandResult result;
  result.command_id = command.command_id;
  result.execution_id = command.execution_id;
  result.activity_id = command.activity_id;
  result.attempt_epoch = command.attempt_epoch;
  return result;
}

Result<const data::Intent*> intent_of(const wire::Command& command) {
  if (!command.payload.intent) return fail(Code::command_malformed, "the command carries no intent");
  return &*command.payload.intent;
}
Result<const wire::LoadSpec*> load_of(const wire::Command& command) {
  if (!command.payload.load) return fail(Code::command_malformed, "the command carries no load");
  return &*command.payload.load;
}
Result<const wire::LoadSpec*> load_with_input_of(const wire::Command& command) {
  if (!command.input) return fail(Code::command_malformed, "the command names no rows to load");
  return load_of(command);
}

sources::LoadRequest::Mode mode_of(wire::LoadMode mode) {
  switch (mode) {
    case wire::LoadMode::insert:
      return sources::LoadRequest::Mode::insert;
    case wire::LoadMode::upsert:
      return sources::LoadRequest::Mode::upsert;
    case wire::LoadMode::replace:
      return sources::LoadRequest::Mode::replace;
  }
  return sources::LoadRequest::Mode::upsert;
}

// A cell as a reader of JSON expects it, without losing anything: numbers beyond 2^53 and decimals are text.
Json cell(const data::Value& value) {
  constexpr std::int64_t kExact = std::int64_t{1} << 53;
  if (data::is_null(value)) return nullptr;
  if (const auto* flag = std::get_if<bool>(&value)) return *flag;
  if (const auto* number = std::get_if<std::int64_t>(&value); number && *number > -kExact && *number < kExact)
    return *number;
  if (const auto* real = std::get_if<double>(&value); real && std::isfinite(*real)) return *real;
  return data::format(value);
}

// The rows of a small query, as JSON.
class InlineRows {
 public:
  Result<void> take(const data::Batch& batch) {
    if (rows_.size() + batch.rows > kQueryRowsMax)
      return fail(Code::invalid_request, fmt::format("the query has more than {} rows", kQueryRowsMax),
                  "Add a limit, or use a workflow.");
    for (std::size_t row = 0; row < batch.rows; ++row) {
      Json cells = Json::array();
      for (const auto& column : batch.columns) cells.push_back(cell(data::value_at(column, row)));
      bytes_ += to_text(cells).size();
      rows_.push_back(std::move(cells));
      if (bytes_ > wire::kInlineResultMax)
        return fail(Code::invalid_request, "the query's rows have more than 256 KiB", "Add a limit, or use a workflow.");
    }
    return {};
  }

  wire::CommandResult result(const wire::Command& command, const data::RowType& type) {
    Json columns = Json::array();
    for (const auto& field : type) columns.push_back({{"name", field.name}, {"type", data::to_string(field.type)}});
    auto result = result_for(command);
    result.row_count = static_cast<std::int64_t>(rows_.size());
    result.inline_result = Json::object();
    result.inline_result["columns"] = std::move(columns);
    result.inline_result["rows"] = std::move(rows_);
    return result;
  }

 private:
  Json rows_ = Json::array();
  std::size_t bytes_ = 0;
};

struct Judged {
  sql::Verdict verdict;
  Result<sql::Shape> shape;  // of a refused statement without what it reaches
};

Judged judged(const JudgedBy& by, const std::string& statement) {
  auto verdict = by.guard->judge(statement);
  const std::string_view text = statement;
  auto shape = sql::shape_of(by.dialect, by.connection, verdict.refusal ? text : text.substr(verdict.begin, verdict.length),
                             verdict.reads, *by.schema);
  return {std::move(verdict), std::move(shape)};
}

}  // namespace

sources::ReadLimits Executor::limits_of(const wire::Command& command,
                                        std::vector<const data::TableInfo*> reached) const {
  sources::ReadLimits limits;
  limits.reached = std::move(reached);
  limits.timeout = command.payload.timeout_ms > 0
                       ? Duration{std::chrono::milliseconds{command.payload.timeout_ms}}
                       : settings_.command_timeout;
  return limits;
}

awaitable<Outcome> Executor::run(wire::Command command) {
  const auto start = Steady::now();
  Call call{command, {audited(command)}};
  auto result = co_await dispatch(call);
  call.record.outcome = result ? "DONE" : std::string{result.error().name()};
  if (result) {
    call.record.rows = result->row_count;
    if (!result->inline_result.is_null())
      call.record.bytes += static_cast<std::int64_t>(to_text(result->inline_result).size());
  }
  co_await record_end(call);
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - start).count();
  if (result) {
    result->duration_ms = took;
    co_return std::move(*result);
  }
  const auto& error = result.error();
  co_return wire::CommandError{command.command_id, command.attempt_epoch, error.code, error.message,
                               error.retryable(), error.hint};
}

awaitable<Result<void>> Executor::record_start(const Call& call) {
  auto write = [&] { return audit_->start(call.record.command); };
  co_return co_await offload(cpu_, write);
}

awaitable<void> Executor::record_end(const Call& call) {
  auto write = [&] {
    audit_->end(call.record);
    return true;
  };
  co_await offload(cpu_, write);
}

awaitable<void> Executor::close() {
  if (!audit_) co_return;
  auto end = [&] {
    audit_->close();
    return true;
  };
  co_await offload(cpu_, end);
}

awaitable<void> Executor::add_what_views_read(Call& call) {
  auto& reads = call.record.command.reads;
  const auto asked = reads;
  for (const auto& [name, columns_asked] : asked) {
    auto table = co_await connections_.table(call.command.payload.connection, name);
    if (!table) continue;  // it is refused where it is looked for
    for (const auto* reached : table->reached)
      for (const auto& [behind, columns] : reached->reads) reads[behind].insert(columns.begin(), columns.end());
  }
}

awaitable<Result<wire::CommandResult>> Executor::dispatch(Call& call) {
  const auto& command = call.command;
  if (command.payload.expires_at <= clock_.now())
    co_return fail(Code::command_expired, "the command's time was over before it ran");
  // What an SQL statement asks for is judged before its connection is touched.
  if (!command.payload.query) {
    co_await add_what_views_read(call);
    VMC_CO_CHECK(co_await record_start(call));
    VMC_CO_CHECK(co_await connections_.admit(command.payload.connection));
  }
  switch (command.operation) {
    case wire::Operation::split:
      co_return co_await split(command);
    case wire::Operation::extract:
      co_return co_await extract(call);
    case wire::Operation::digest:
      co_return co_await digest(command);
    case wire::Operation::load:
      co_return co_await load(call);
    case wire::Operation::digest_keys:
      co_return co_await digest_keys(call);
    case wire::Operation::query:
      co_return co_await query(call);
    case wire::Operation::swap:
      co_return co_await swap(command);
    case wire::Operation::drop_aside:
      co_return co_await drop_aside(command);
  }
  co_return fail(Code::command_malformed, "the operation is not known");
}

awaitable<Result<wire::CommandResult>> Executor::split(const wire::Command& command) {
  VMC_CO_TRY(intent, intent_of(command));
  if (command.payload.rows_per_part < 1 || command.payload.split_key.empty())
    co_return fail(Code::command_malformed, "a split needs a key and a number of rows");
  VMC_CO_TRY(connection, connections_.find(command.payload.connection));
  VMC_CO_TRY(table, co_await connections_.table(command.payload.connection, intent->table));
  sources::Split split;
  auto work = [&](sources::Session& session) -> Result<void> {
    VMC_TRY(found, session.split(*intent, table.info, command.payload.split_key, command.payload.rows_per_part,
                                 limits_of(command, table.reached)));
    split = std::move(found);
    return {};
  };
  VMC_CO_CHECK(co_await connection->pool->use(sources::Access::read, work));
  auto result = result_for(command);
  Json parts = Json::array();
  for (const auto& part : split.parts) parts.push_back(data::to_json(part));
  result.inline_result = Json::object();
  result.inline_result["parts"] = std::move(parts);
  result.inline_result["rows"] =
      static_cast<std::int64_t>(split.parts.size()) * command.payload.rows_per_part;
  co_return result;
}

awaitable<Result<wire::CommandResult>> Executor::extract(Call& call) {
  const auto& command = call.command;
  VMC_CO_TRY(intent, intent_of(command));
  if (command.upload.empty() || command.data_key.size() != 32)
    co_return fail(Code::command_malformed, "an extract needs an upload grant and a data key");
  VMC_CO_TRY(connection, connections_.find(command.payload.connection));
  VMC_CO_TRY(table, co_await connections_.table(command.payload.connection, intent->table));
  ChunkSender sender{loop_, buffer_, cpu_, command};
  activities::RowDigest again{command.payload.digest_seed};
  auto limits = limits_of(command, table.reached);
  limits.timeout *= 2;
  auto read = [&](sources::Session& session) -> Result<void> {
    auto send = [&](data::Batch batch) { return sender.take(std::move(batch)); };
    auto count = [&](data::Batch batch) -> Result<void> {
      sender.end_of_rows();  // what was read first goes out meanwhile
      again.add(batch);
      return {};
    };
    auto in_any_order = *intent;
    if (!intent->limit) in_any_order.order.clear();
    const std::array<sources::Reading, 2> readings{{{*intent, send}, {std::move(in_any_order), count}}};
    auto done = session.read(readings, table.info, limits);
    sender.end_of_rows();
    return done;
  };
  auto done = co_await sender.run(*connection->pool, read, *intent, table.info);
  call.record.rows = sender.sent().rows;
  call.record.bytes = sender.sent().bytes;
  VMC_CO_TRY(sent, std::move(done));
  auto result = result_for(command);
  result.buffer_key = command.upload;
  result.chunks = sent.chunks;
  result.row_count = sent.rows;
  result.inline_result = {{"rows", again.rows()}, {"digest", again.hex()}};
  crash_point("agent.chunks_uploaded");
  co_return result;
}

awaitable<Result<wire::CommandResult>> Executor::digest(const wire::Command& command) {
  VMC_CO_TRY(intent, intent_of(command));
  VMC_CO_TRY(connection, connections_.find(command.payload.connection));
  VMC_CO_TRY(table, co_await connections_.table(command.payload.connection, intent->table));
  activities::RowDigest digest{command.payload.digest_seed};
  auto work = [&](sources::Session& session) -> Result<void> {
    digest = activities::RowDigest{command.payload.digest_seed};
    auto sink = [&](data::Batch batch) -> Result<void> {
      digest.add(batch);
      return {};
    };
    return session.read(*intent, table.info, limits_of(command, table.reached), sink);
  };
  VMC_CO_CHECK(co_await connection->pool->use(sources::Access::read, work));
  auto result = result_for(command);
  result.row_count = digest.rows();
  result.inline_result = {{"rows", digest.rows()}, {"digest", digest.hex()}};
  co_return result;
}

Result<sources::LoadRequest> Executor::load_request(const wire::Command& command, const data::TableInfo& table) const {
  const auto& spec = *command.payload.load;
  sources::LoadRequest request;
  request.table = spec.table;
  request.mode = mode_of(spec.mode);
  request.key = spec.key;
  VMC_TRY(type, row_type_of(table, spec.columns));
  request.columns = type;
  request.applied_scope = command.execution_id + "/" + command.activity_id;
  request.part = command.part;
  request.attempt_epoch = command.attempt_epoch;
  request.timeout = std::max(limits_of(command).timeout, kLoadTimeout);
  return request;
}

awaitable<Result<wire::CommandResult>> Executor::load(Call& call) {
  const auto& command = call.command;
  VMC_CO_TRY(spec, load_with_input_of(command));
  VMC_CO_TRY(connection, connections_.find(command.payload.connection));
  VMC_CO_TRY(table, co_await connections_.writable_table(command.payload.connection, spec->table));
  VMC_CO_TRY(request, load_request(command, table.info));
  sources::LoadOutcome outcome;
  ChunkReceiver receiver{loop_, buffer_, cpu_, command};
  auto work = [&](sources::Session& session) -> Result<void> {
    auto rows = [&] { return receiver.next(); };
    VMC_TRY(loaded, session.load(request, table.info, rows));
    outcome = loaded;
    return {};
  };
  auto done = co_await receiver.run(*connection->pool, sources::Access::load, work);
  call.record.bytes = receiver.bytes();
  VMC_CO_CHECK(std::move(done));
  auto result = result_for(command);
  result.row_count = outcome.rows;
  result.inline_result = {{"rows", outcome.rows}, {"alreadyApplied", outcome.already_applied}};
  crash_point("agent.load_committed");
  co_return result;
}

awaitable<Result<wire::CommandResult>> Executor::swap(const wire::Command& command) {
  VMC_CO_TRY(spec, load_of(command));
  if (!spec->rows) co_return fail(Code::command_malformed, "a swap needs the number of rows laid aside");
  VMC_CO_TRY(connection, connections_.find(command.payload.connection));
  VMC_CO_TRY(table, co_await connections_.writable_table(command.payload.connection, spec->table));
  VMC_CO_TRY(request, load_request(command, table.info));
  sources::LoadOutcome outcome;
  auto work = [&](sources::Session& session) -> Result<void> {
    VMC_TRY(swapped, session.swap(request, table.info, *spec->rows));
    outcome = swapped;
    return {};
  };
  VMC_CO_CHECK(co_await connection->pool->use(sources::Access::load, work));
  auto result = result_for(command);
  result.row_count = outcome.rows;
  result.inline_result = {{"rows", outcome.rows}, {"alreadyApplied", outcome.already_applied}};
  co_return result;
}

awaitable<Result<wire::CommandResult>> Executor::drop_aside(const wire::Command& command) {
  VMC_CO_TRY(spec, load_of(command));
  VMC_CO_TRY(connection, connections_.find(command.payload.connection));
  VMC_CO_TRY(table, co_await connections_.writable_table(command.payload.connection, spec->table));
  VMC_CO_TRY(request, load_request(command, table.info));
  auto work = [&](sources::Session& session) { return session.drop_aside(request); };
  VMC_CO_CHECK(co_await connection->pool->use(sources::Access::load, work));
  auto result = result_for(command);
  result.inline_result = Json::object();
  co_return result;
}

awaitable<Result<wire::CommandResult>> Executor::digest_keys(Call& call) {
  const auto& command = call.command;
  VMC_CO_TRY(spec, load_with_input_of(command));
  if (spec->key.empty()) co_return fail(Code::command_malformed, "rows without a key cannot be read back");
  VMC_CO_TRY(connection, connections_.find(command.payload.connection));
  VMC_CO_TRY(table, co_await connections_.table(command.payload.connection, spec->table));
  activities::RowDigest digest{command.payload.digest_seed};
  ChunkReceiver receiver{loop_, buffer_, cpu_, command};
  auto work = [&](sources::Session& session) -> Result<void> {
    digest = activities::RowDigest{command.payload.digest_seed};
    auto keys = [&]() -> Result<std::optional<data::Batch>> {
      VMC_TRY(batch, receiver.next());
      if (!batch) return std::optional<data::Batch>{};
      VMC_TRY(projected, project(*batch, spec->key));
      return std::optional{std::move(projected)};
    };
    auto sink = [&](data::Batch batch) -> Result<void> {
      digest.add(batch);
      return {};
    };
    return session.read_keys(table.info, spec->columns, spec->key, keys, limits_of(command, table.reached), sink);
  };
  auto done = co_await receiver.run(*connection->pool, sources::Access::read, work);
  call.record.bytes = receiver.bytes();
  VMC_CO_CHECK(std::move(done));
  auto result = result_for(command);
  result.row_count = digest.rows();
  result.inline_result = {{"rows", digest.rows()}, {"digest", digest.hex()}};
  co_return result;
}

awaitable<Result<wire::CommandResult>> Executor::query(Call& call) {
  if (call.command.payload.query) co_return co_await query_statement(call);
  co_return co_await query_intent(call.command);
}

awaitable<Result<wire::CommandResult>> Executor::query_intent(const wire::Command& command) {
  VMC_CO_TRY(intent, intent_of(command));
  VMC_CO_TRY(connection, connections_.find(command.payload.connection));
  VMC_CO_TRY(table, co_await connections_.table(command.payload.connection, intent->table));
  InlineRows rows;
  auto work = [&](sources::Session& session) -> Result<void> {
    rows = {};
    auto sink = [&](data::Batch batch) { return rows.take(batch); };
    return session.read(*intent, table.info, limits_of(command, table.reached), sink);
  };
  VMC_CO_CHECK(co_await connection->pool->use(sources::Access::read, work));
  VMC_CO_TRY(type, row_type_of(table.info, intent->columns));
  co_return rows.result(command, *type);
}

// The guard judges before a connection is touched.
awaitable<Result<wire::CommandResult>> Executor::query_statement(Call& call) {
  const auto& command = call.command;
  VMC_CO_TRY(connection, connections_.find(command.payload.connection));
  VMC_CO_TRY(judge, co_await connections_.judge(command.payload.connection));
  const auto& statement = *command.payload.query;
  auto look = [&] { return judged(*judge, statement); };
  std::optional<Judged> looked;
  if (statement.size() <= kJudgedOnLoop) looked = look();
  else looked = co_await offload(cpu_, look);
  auto& seen = *looked;
  const auto& verdict = seen.verdict;
  if (seen.shape) call.record.command.fingerprint = seen.shape->fingerprint;
  if (verdict.refusal) co_return fail(verdict.refusal->code, sql::describe(*verdict.refusal, statement));
  VMC_CO_TRY(shape, std::move(seen.shape));
  call.record.command.reads = shape.reads;
  if (judge->by_consent) VMC_CO_CHECK(co_await connections_.ask_consent(command.payload.connection, std::move(shape)));
  VMC_CO_CHECK(co_await record_start(call));
  VMC_CO_CHECK(co_await connections_.admit(command.payload.connection));
  sources::SqlQuery query;
  query.text = statement.substr(verdict.begin, verdict.length);
  query.params = command.payload.params;
  query.is_query = verdict.is_query;
  query.catalogue = verdict.reads.contains("*");
  query.calls = verdict.calls;
  query.functions = connection->settings.functions;
  query.definition = verdict.definition;
  query.ignores_case = judge->schema->ignores_case;
  std::vector<std::string> names;
  for (const auto& [name, columns] : verdict.reads) {
    names.push_back(name);
    if (const auto* table = judge->schema->table(name); table && columns.contains("*")) query.whole.push_back(table);
  }
  const auto limits = limits_of(command, data::with_what_they_read(*judge->schema, names));
  InlineRows rows;
  data::RowTypePtr type;
  auto work = [&](sources::Session& session) -> Result<void> {
    rows = {};
    auto sink = [&](data::Batch batch) { return rows.take(batch); };
    VMC_TRY(found, session.query(query, limits, sink));
    type = std::move(found);
    return {};
  };
  VMC_CO_CHECK(co_await connection->pool->use(sources::Access::read, work));
  co_return rows.result(command, *type);
}

}  // namespace vmc::agent
