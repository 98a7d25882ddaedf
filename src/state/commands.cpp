// The queue itself: into it, out to the agent, acknowledged. outcomes.cpp has the other end.
#include "state/commands.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/ids.hpp"
#include "state/command_rows.hpp"
#include "state/detail.hpp"

namespace vmc::state {
namespace {

constexpr std::size_t kWaitingOnMax = 200;

Error no_command() { return fail(Code::not_found, "this connector has no such command"); }

Result<void> check_command(const wire::Command& command, Micros now) {
  if (!is_plain_id(command.command_id) || !is_plain_id(command.execution_id))
    return fail(Code::invalid_request, "command and execution ids are 1 to 64 letters, digits, '_' and '-'");
  if (command.attempt_epoch < 1) return fail(Code::invalid_request, "attempt epochs count from 1");
  if (command.payload.expires_at <= now)
    return fail(Code::command_expired, "the command's time is over already");
  return {};
}

// Takes the next number of the connector; nullopt: there is no such connector.
std::optional<std::int64_t> take_ordinal(store::Tx& tx, std::string_view connector_id) {
  const auto row = tx.one(
      "UPDATE connectors SET last_ordinal = last_ordinal + 1 WHERE tenant = :tenant AND connector_id = "
      ":connector "
      "RETURNING last_ordinal",
      {{"connector", connector_id}});
  if (!row) return std::nullopt;
  return row->integer(0);
}

// Ordinals have no holes at the end, so as many commands can be open as lie between the oldest open one and
// the new one: only when that is too many must they be counted.
bool has_room(store::Tx& tx, std::string_view connector_id, std::int64_t ordinal) {
  const auto oldest = tx.one(
      "SELECT ordinal FROM commands WHERE tenant = :tenant AND connector_id = :connector "
      "AND status IN ('queued', 'acked') ORDER BY ordinal LIMIT 1",
      {{"connector", connector_id}});
  if (!oldest || ordinal - oldest->integer(0) < kCommandsPerConnectorMax) return true;
  const auto open = tx.one(
      "SELECT COUNT(*) FROM (SELECT 1 FROM commands WHERE tenant = :tenant AND connector_id = :connector "
      "AND status IN ('queued', 'acked') LIMIT :most) AS counted",
      {{"connector", connector_id}, {"most", kCommandsPerConnectorMax}});
  return open.value().integer(0) < kCommandsPerConnectorMax;
}

bool exists(store::Tx& tx, std::string_view connector_id, std::string_view command_id) {
  return tx
      .one(
          "SELECT 1 FROM commands WHERE tenant = :tenant AND command_id = :command AND connector_id = "
          ":connector",
          {{"command", command_id}, {"connector", connector_id}})
      .has_value();
}

}  // namespace

Result<std::int64_t> enqueue_command(store::Tx& tx, std::string_view connector_id, const wire::Command& command,
                                     ByteView tenant_key, Micros now) {
  VMC_CHECK(check_command(command, now));
  const auto ordinal = take_ordinal(tx, connector_id);
  if (!ordinal) return fail(Code::not_found, "there is no such connector");
  if (!has_room(tx, connector_id, *ordinal)) {
    return fail(Code::queue_full,
                fmt::format("{} commands wait for this connector already", kCommandsPerConnectorMax));
  }
  const auto json = wire::to_json(command);
  // One that could not be read back would stop the whole queue behind it.
  if (const auto read = wire::command_from_json(json); !read)
    return fail(Code::invalid_request, fmt::format("this is no command: {}", read.error().message));
  auto body = json.dump();
  if (body.size() > kCommandBytesMax) {
    crypto::wipe(body);
    return fail(Code::invalid_request, "a command has at most 1 MiB as JSON");
  }
  auto sealed = detail::seal_command(tenant_key, tx.tenant(), command.command_id, body);
  crypto::wipe(body);
  const auto added = tx.exec(
      "INSERT INTO commands (tenant, command_id, connector_id, execution_id, status, ordinal, attempt_epoch, "
      "sealed_body, consumed, created_at, expires_at) VALUES (:tenant, :command, :connector, :execution, "
      "'queued', "
      ":ordinal, :epoch, :body, 0, :now, :expires) ON CONFLICT (tenant, command_id) DO NOTHING",
      {{"command", command.command_id},
       {"connector", connector_id},
       {"execution", command.execution_id},
       {"ordinal", *ordinal},
       {"epoch", command.attempt_epoch},
       {"body", std::move(sealed)},
       {"now", now},
       {"expires", command.payload.expires_at}});
  if (added == 0) return fail(Code::conflict, fmt::format("command {} exists already", command.command_id));
  return *ordinal;
}

Result<std::vector<QueuedCommand>> queued_commands(store::Tx& tx, std::string_view connector_id,
                                                   std::int64_t after_ordinal, std::int64_t limit,
                                                   ByteView tenant_key, Micros now) {
  // Both conditions on status: the first one names the partial index.
  const auto rows = tx.query(
      "SELECT ordinal, command_id, sealed_body FROM commands WHERE tenant = :tenant AND connector_id = "
      ":connector "
      "AND status IN ('queued', 'acked') AND status = 'queued' AND ordinal > :after AND expires_at > :now "
      "ORDER BY ordinal LIMIT :most",
      {{"connector", connector_id},
       {"after", after_ordinal},
       {"now", now},
       {"most", std::clamp<std::int64_t>(limit, 0, kQueuedBatchMax)}});
  std::vector<QueuedCommand> list;
  for (const auto& row : rows) {
    VMC_TRY(command, detail::open_command(tenant_key, tx.tenant(), row.text(1), row.bytes(2)));
    list.push_back({row.integer(0), std::move(command)});
  }
  return list;
}

Result<OpenCommand> find_command(store::Tx& tx, std::string_view connector_id, std::string_view command_id,
                                 ByteView tenant_key) {
  const auto row = tx.one(
      "SELECT status, sealed_body FROM commands WHERE tenant = :tenant AND command_id = :command "
      "AND connector_id = :connector AND status IN ('queued', 'acked')",
      {{"command", command_id}, {"connector", connector_id}});
  if (!row) return no_command();
  VMC_TRY(command, detail::open_command(tenant_key, tx.tenant(), command_id, row->bytes(1)));
  return OpenCommand{std::move(command), row->text(0)};
}

Result<wire::Command> find_any_command(store::Tx& tx, std::string_view command_id, ByteView tenant_key) {
  const auto row = tx.one("SELECT sealed_body FROM commands WHERE tenant = :tenant AND command_id = :command",
                          {{"command", command_id}});
  if (!row) return no_command();
  return detail::open_command(tenant_key, tx.tenant(), command_id, row->bytes(0));
}

Result<void> ack_command(store::Tx& tx, std::string_view connector_id, std::string_view command_id,
                         Micros now) {
  const auto acked = tx.exec(
      "UPDATE commands SET status = 'acked', acked_at = :now WHERE tenant = :tenant AND command_id = "
      ":command "
      "AND connector_id = :connector AND status = 'queued'",
      {{"command", command_id}, {"connector", connector_id}, {"now", now}});
  if (acked == 0 && !exists(tx, connector_id, command_id)) return no_command();
  return {};
}

Result<void> mark_waiting(store::Tx& tx, std::string_view connector_id, std::string_view command_id,
                          std::string_view waiting_on) {
  const auto marked = tx.exec(
      "UPDATE commands SET waiting_on = :cause WHERE tenant = :tenant AND command_id = :command "
      "AND connector_id = :connector AND status IN ('queued', 'acked')",
      {{"command", command_id},
       {"connector", connector_id},
       {"cause", detail::or_null(detail::clipped(waiting_on, kWaitingOnMax))}});
  if (marked == 0 && !exists(tx, connector_id, command_id)) return no_command();
  return {};
}

std::string connector_topic(std::string_view tenant, std::string_view connector_id) {
  return fmt::format("connector/{}/{}", tenant, connector_id);
}
std::string command_topic(std::string_view tenant, std::string_view command_id) {
  return fmt::format("command/{}/{}", tenant, command_id);
}
std::string revoked_topic(std::string_view tenant, std::string_view connector_id) {
  return fmt::format("revoked/{}/{}", tenant, connector_id);
}

std::string buffer_prefix(std::string_view tenant, std::string_view execution_id, std::string_view command_id,
                          std::int64_t attempt_epoch) {
  return fmt::format("{}/{}/{}/{}/", tenant, execution_id, command_id, attempt_epoch);
}
std::string buffer_object(std::string_view prefix, std::int64_t index) {
  return fmt::format("buffer/{}{:08}", prefix, index);
}

}  // namespace vmc::state
