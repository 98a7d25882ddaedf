#include "agent/journal.hpp"

#include <fmt/format.h>

#include "core/crash_point.hpp"
#include "crypto/aead.hpp"

namespace vmc::agent {

std::span<const store::Migration> journal_migrations();  // generated from schemas/migrations/agent

namespace {

constexpr auto kKeepOutcomes = std::chrono::hours{5};  // longer than a command's time to live
constexpr auto kKeepEpochs = std::chrono::hours{24};
constexpr auto kPurgeEvery = std::chrono::minutes{10};
const std::string kOwner = "agent";  // the journal has one tenant: itself

std::string work_of(const wire::Command& command) {
  return fmt::format("{}/{}/{}/{}", command.execution_id, command.activity_id, to_string(command.operation),
                     command.part);
}

std::int64_t held_in(store::Tx& tx) {
  return tx.one("SELECT COALESCE(SUM(bytes), 0) FROM commands")->integer(0);
}

// What is held (bytes) after confirmed outcomes went, oldest first, to come below `limit`; what is not confirmed stays,
// even if that means refusing.
std::int64_t make_room(store::Tx& tx, std::int64_t limit) {
  const auto held = held_in(tx);
  if (held <= limit) return held;
  tx.exec(
      "DELETE FROM commands WHERE status = 'confirmed' AND command_id IN "
      "(SELECT command_id FROM commands WHERE status = 'confirmed' ORDER BY finished_at LIMIT 1000)");
  return held_in(tx);
}

wire::CommandError refusal(const wire::Command& command, Code code, std::string message) {
  return {command.command_id, command.attempt_epoch, code, std::move(message), info(code).retryable};
}

}  // namespace

const std::string& command_of(const Outcome& outcome) {
  return std::visit([](const auto& answer) -> const std::string& { return answer.command_id; }, outcome);
}

Json outcome_to_json(const Outcome& outcome) {
  if (const auto* result = std::get_if<wire::CommandResult>(&outcome))
    return {{"result",
             {{"commandId", result->command_id},
              {"executionId", result->execution_id},
              {"activityId", result->activity_id},
              {"attemptEpoch", result->attempt_epoch},
              {"bufferKey", result->buffer_key},
              {"chunks", result->chunks},
              {"inline", result->inline_result},
              {"rowCount", result->row_count},
              {"durationMs", result->duration_ms}}}};
  const auto& error = std::get<wire::CommandError>(outcome);
  return {{"error",
           {{"commandId", error.command_id},
            {"attemptEpoch", error.attempt_epoch},
            {"code", info(error.code).name},
            {"message", error.message},
            {"hint", error.hint},
            {"retryable", error.retryable}}}};
}

Result<Outcome> outcome_from_json(const Json& json) {
  JsonReader outer{json, "outcome"};
  if (const auto* object = outer.object_or_null("result")) {
    JsonReader reader{*object, "result"};
    wire::CommandResult result;
    result.command_id = reader.str("commandId");
    result.execution_id = reader.str_or("executionId", "");
    result.activity_id = reader.str_or("activityId", "");
    result.attempt_epoch = reader.integer("attemptEpoch");
    result.buffer_key = reader.str_or("bufferKey", "");
    result.chunks = reader.integer_or("chunks", 0);
    if (const auto* inline_result = reader.any("inline")) result.inline_result = *inline_result;
    result.row_count = reader.integer_or("rowCount", 0);
    result.duration_ms = reader.integer_or("durationMs", 0);
    VMC_CHECK(reader.finish(Code::internal));
    return Outcome{std::move(result)};
  }
  const auto* object = outer.object("error");
  VMC_CHECK(outer.finish(Code::internal));
  JsonReader reader{*object, "error"};
  wire::CommandError error;
  error.command_id = reader.str("commandId");
  error.attempt_epoch = reader.integer("attemptEpoch");
  error.code = code_named(reader.str("code")).value_or(Code::internal);
  error.message = reader.str_or("message", "");
  error.retryable = reader.boolean_or("retryable", false);
  error.hint = reader.str_or("hint", "");
  VMC_CHECK(reader.finish(Code::internal));
  return Outcome{std::move(error)};
}

Journal::Journal(std::unique_ptr<store::Database> db, std::uint64_t bytes_max, const Clock& clock)
    : db_{std::move(db)}, bytes_max_{bytes_max}, clock_{clock} {}

Result<std::unique_ptr<Journal>> Journal::open(const std::filesystem::path& folder, std::uint64_t bytes_max,
                                               const Clock& clock) {
  store::SqliteSettings settings;
  settings.file = (folder / "agent.db").string();
  settings.readers = 1;
  VMC_TRY(db, store::open_sqlite(settings, journal_migrations()));
  return std::unique_ptr<Journal>{new Journal{std::move(db), bytes_max, clock}};
}

Bytes Journal::seal(std::string_view label, std::string_view id, const Json& json) const {
  const auto text = to_text(json);
  return crypto::seal(key_.view(), as_bytes(fmt::format("vmc journal 1 {} {}", label, id)), as_bytes(text));
}

Result<Json> Journal::open_sealed(std::string_view label, std::string_view id, ByteView sealed) const {
  VMC_TRY(plain, crypto::open(key_.view(), as_bytes(fmt::format("vmc journal 1 {} {}", label, id)), sealed));
  return parse_json(as_text(plain), 16u << 20);
}

Result<Journal::Admission> Journal::admit_in(store::Tx& tx, const wire::Command& command,
                                             std::optional<std::int64_t> held) const {
  const auto now = clock_.now();
  const auto print = wire::fingerprint(command);
  const auto& key = command.payload.idempotency_key;
  if (auto row = tx.one(
          "SELECT command_id, fingerprint, status, sealed_outcome FROM commands WHERE idempotency_key = :key",
          {{"key", key}})) {
    if (row->text(1) != print)
      return Admission{Admission::Kind::answered, refusal(command, Code::idempotency_mismatch,
                                                          "the idempotency key stood for another command")};
    if (row->null(3)) return Admission{Admission::Kind::running_already, std::nullopt};
    VMC_TRY(json, open_sealed("outcome", row->text(0), row->bytes(3)));
    VMC_TRY(outcome, outcome_from_json(json));
    std::visit([&](auto& answer) { answer.command_id = command.command_id; }, outcome);
    return Admission{Admission::Kind::answered, std::move(outcome)};
  }
  const auto work = work_of(command);
  if (auto seen = tx.one("SELECT epoch FROM epochs WHERE work = :work", {{"work", work}});
      seen && seen->integer(0) > command.attempt_epoch)
    return Admission{Admission::Kind::answered,
                     refusal(command, Code::conflict, "a newer attempt of this work was seen")};
  if (command.payload.expires_at <= now)
    return Admission{Admission::Kind::answered,
                     refusal(command, Code::command_expired, "the command arrived after its time")};
  auto body = seal("command", command.command_id, wire::to_json(command));
  const auto size = static_cast<std::int64_t>(body.size());
  const auto limit = static_cast<std::int64_t>(bytes_max_);
  const bool counted = !held || *held + size > limit;
  auto now_held = held && *held + size <= limit ? *held : make_room(tx, limit - size);
  if (now_held + size > limit)
    return Admission{Admission::Kind::answered, refusal(command, Code::queue_full, "the agent's queue is full"), 0,
                     now_held};
  tx.exec(
      "INSERT INTO epochs (work, execution_id, epoch, updated_at) VALUES (:work, :execution, :epoch, :now) "
      "ON CONFLICT (work) DO UPDATE SET epoch = excluded.epoch, updated_at = excluded.updated_at",
      {{"work", work}, {"execution", command.execution_id}, {"epoch", command.attempt_epoch}, {"now", now}});
  tx.exec(
      "INSERT INTO commands (command_id, idempotency_key, fingerprint, status, sealed_body, bytes, "
      "received_at) "
      "VALUES (:id, :key, :print, 'received', :body, :bytes, :now)",
      {{"id", command.command_id},
       {"key", key},
       {"print", print},
       {"body", std::move(body)},
       {"bytes", size},
       {"now", now}});
  Admission admission;
  admission.more_held = size;
  if (counted) admission.held = now_held + size;
  return admission;
}

awaitable<Result<Journal::Admission>> Journal::admit(wire::Command command) {
  const auto held = held_;
  auto work = [&](store::Tx& tx) { return admit_in(tx, command, held); };
  auto admission = co_await db_->transact(kOwner, work);
  if (admission && admission->held) held_ = admission->held;
  if (admission && !admission->held && held_) *held_ += admission->more_held;
  crash_point("agent.command_stored");
  co_return admission;
}

awaitable<Result<void>> Journal::finish(const std::vector<Outcome>& outcomes) {
  auto work = [&](store::Tx& tx) -> Result<std::int64_t> {
    std::int64_t held = 0;
    for (const auto& outcome : outcomes) held += finish_in(tx, outcome);
    return held;
  };
  auto done = co_await db_->transact(kOwner, work);
  if (!done) co_return done.error();
  if (held_) *held_ += *done;  // the commands' own bodies are counted until the next count
  crash_point("agent.outcome_stored");
  co_return Result<void>{};
}

// The bytes held more.
std::int64_t Journal::finish_in(store::Tx& tx, const Outcome& outcome) const {
  const auto& command_id = command_of(outcome);
  auto sealed = seal("outcome", command_id, outcome_to_json(outcome));
  const auto size = static_cast<std::int64_t>(sealed.size());
  const auto changed = tx.exec(
      "UPDATE commands SET status = 'finished', sealed_body = NULL, sealed_outcome = :outcome, bytes = :bytes, "
      "finished_at = :now WHERE command_id = :id AND status = 'received'",
      {{"outcome", std::move(sealed)}, {"bytes", size}, {"now", clock_.now()}, {"id", command_id}});
  return changed > 0 ? size : 0;
}

// Rows held in an inline result go; counts and buffer key stay for repeats. False: it is not finished yet.
Result<bool> Journal::confirm_in(store::Tx& tx, const std::string& command_id) const {
  const auto row = tx.one("SELECT status, sealed_outcome FROM commands WHERE command_id = :id", {{"id", command_id}});
  if (row && row->text(0) == "received") return false;
  if (!row || row->text(0) != "finished") return true;
  VMC_TRY(json, open_sealed("outcome", command_id, row->bytes(1)));
  VMC_TRY(outcome, outcome_from_json(json));
  if (auto* result = std::get_if<wire::CommandResult>(&outcome);
      result && result->inline_result.contains("rows") && result->inline_result["rows"].is_array()) {
    outcome = wire::CommandError{command_id, result->attempt_epoch, Code::conflict,
                                 "the rows of this answer were delivered and are gone", false};
  }
  auto sealed = seal("outcome", command_id, outcome_to_json(outcome));
  const auto size = static_cast<std::int64_t>(sealed.size());
  tx.exec("UPDATE commands SET status = 'confirmed', sealed_outcome = :outcome, bytes = :bytes WHERE command_id = :id",
          {{"outcome", std::move(sealed)}, {"bytes", size}, {"id", command_id}});
  return true;
}

awaitable<Result<std::vector<std::string>>> Journal::confirm(const std::vector<std::string>& command_ids) {
  const auto now = clock_.now();
  const bool purge = now - purged_at_ >= micros(kPurgeEvery);
  std::int64_t held = 0;
  auto work = [&](store::Tx& tx) -> Result<std::vector<std::string>> {
    std::vector<std::string> open;
    for (const auto& id : command_ids) {
      VMC_TRY(confirmed, confirm_in(tx, id));
      if (!confirmed) open.push_back(id);
    }
    if (!purge) return open;
    tx.exec("DELETE FROM commands WHERE status = 'confirmed' AND finished_at < :before",
            {{"before", now - micros(kKeepOutcomes)}});
    tx.exec("DELETE FROM epochs WHERE updated_at < :before", {{"before", now - micros(kKeepEpochs)}});
    held = held_in(tx);
    return open;
  };
  auto done = co_await db_->transact(kOwner, work);
  if (!done) co_return done.error();
  if (purge) {
    purged_at_ = now;
    held_ = held;
  }
  crash_point("agent.result_confirmed");
  co_return done;
}

awaitable<Result<void>> Journal::drop(std::string command_id) {
  auto work = [&](store::Tx& tx) -> Result<bool> {
    tx.exec("DELETE FROM commands WHERE command_id = :id", {{"id", command_id}});
    return true;
  };
  auto done = co_await db_->transact(kOwner, work);
  if (!done) co_return done.error();
  co_return Result<void>{};
}

awaitable<Result<std::vector<wire::Command>>> Journal::unfinished() {
  auto work = [&](store::Tx& tx) -> Result<std::vector<wire::Command>> {
    std::vector<wire::Command> commands;
    for (const auto& row : tx.query("SELECT command_id, sealed_body FROM commands WHERE status = 'received' "
                                    "ORDER BY received_at, command_id")) {
      VMC_TRY(json, open_sealed("command", row.text(0), row.bytes(1)));
      VMC_TRY(command, wire::command_from_json(json));
      commands.push_back(std::move(command));
    }
    return commands;
  };
  co_return co_await db_->read(kOwner, work);
}

awaitable<Result<std::vector<Outcome>>> Journal::unconfirmed(std::string after) {
  auto work = [&](store::Tx& tx) -> Result<std::vector<Outcome>> {
    std::vector<Outcome> outcomes;
    const auto rows = tx.query(
        "SELECT command_id, sealed_outcome FROM commands WHERE status = 'finished' AND (received_at, command_id) > "
        "(COALESCE((SELECT received_at FROM commands WHERE command_id = :after), -1), :after) "
        "ORDER BY received_at, command_id LIMIT :most",
        {{"after", after}, {"most", kUnconfirmedAtOnce}});
    for (const auto& row : rows) {
      VMC_TRY(json, open_sealed("outcome", row.text(0), row.bytes(1)));
      VMC_TRY(outcome, outcome_from_json(json));
      outcomes.push_back(std::move(outcome));
    }
    return outcomes;
  };
  co_return co_await db_->read(kOwner, work);
}

awaitable<Result<std::optional<std::string>>> Journal::fact(std::string name) {
  auto work = [&](store::Tx& tx) -> Result<std::optional<std::string>> {
    auto row = tx.one("SELECT value FROM facts WHERE name = :name", {{"name", name}});
    return row ? std::optional{row->text(0)} : std::nullopt;
  };
  co_return co_await db_->read(kOwner, work);
}

awaitable<Result<void>> Journal::set_facts(std::vector<std::pair<std::string, std::string>> facts) {
  auto work = [&](store::Tx& tx) -> Result<bool> {
    for (const auto& [name, value] : facts)
      tx.exec(
          "INSERT INTO facts (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = "
          "excluded.value",
          {{"name", name}, {"value", value}});
    return true;
  };
  auto done = co_await db_->transact(kOwner, work);
  if (!done) co_return done.error();
  co_return Result<void>{};
}

awaitable<Result<void>> Journal::approve(std::string connection, data::Schema schema) {
  auto work = [&](store::Tx& tx) -> Result<bool> {
    tx.exec(
        "INSERT INTO approved_schemas (connection, body, approved_at) VALUES (:connection, :body, :now) "
        "ON CONFLICT (connection) DO UPDATE SET body = excluded.body, approved_at = excluded.approved_at",
        {{"connection", connection}, {"body", data::to_json(schema).dump()}, {"now", clock_.now()}});
    return true;
  };
  auto done = co_await db_->transact(kOwner, work);
  if (!done) co_return done.error();
  co_return Result<void>{};
}

awaitable<Result<std::optional<data::Schema>>> Journal::approved(std::string connection) {
  auto work = [&](store::Tx& tx) -> Result<std::optional<data::Schema>> {
    auto row = tx.one("SELECT body FROM approved_schemas WHERE connection = :connection",
                      {{"connection", connection}});
    if (!row) return std::optional<data::Schema>{};
    VMC_TRY(json, parse_json(row->text(0), 64u << 20));
    VMC_TRY(schema, data::schema_from_json(json));
    return std::optional{std::move(schema)};
  };
  co_return co_await db_->read(kOwner, work);
}

awaitable<Result<std::optional<Micros>>> Journal::approved_at(std::string connection) {
  auto work = [&](store::Tx& tx) -> Result<std::optional<Micros>> {
    auto row =
        tx.one("SELECT approved_at FROM approved_schemas WHERE connection = :connection", {{"connection", connection}});
    return row ? std::optional<Micros>{row->integer(0)} : std::nullopt;
  };
  co_return co_await db_->read(kOwner, work);
}

awaitable<Result<void>> Journal::ask_consent(std::string connection, sql::Shape shape) {
  struct Answer {
    bool runs = false;
    Error why_not = {};
  };
  auto work = [&](store::Tx& tx) -> Result<Answer> {
    auto why_not = agent::ask_consent(tx, connection, shape, clock_.now());
    return why_not ? Answer{false, std::move(*why_not)} : Answer{true, {}};
  };
  VMC_CO_TRY(answer, co_await db_->transact(kOwner, work));
  if (!answer.runs) co_return std::move(answer.why_not);
  co_return Result<void>{};
}

awaitable<Result<std::vector<KnownShape>>> Journal::known_shapes(std::string connection, bool decided) {
  auto work = [&](store::Tx& tx) { return agent::known_shapes(tx, connection, decided); };
  co_return co_await db_->read(kOwner, work);
}

awaitable<Result<std::vector<KnownShape>>> Journal::decide(std::vector<std::string> ids, bool yes) {
  auto work = [&](store::Tx& tx) { return agent::decide(tx, ids, yes, clock_.now()); };
  co_return co_await db_->transact(kOwner, work);
}

}  // namespace vmc::agent
