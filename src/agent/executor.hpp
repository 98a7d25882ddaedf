// Runs one command on the local databases and says what came of it: intents, structured loads, and statements that the
// connection's guard has accepted. Each stands in the audit log before it begins.
#pragma once

#include "agent/audit_log.hpp"
#include "agent/buffer_client.hpp"
#include "agent/connections.hpp"
#include "agent/journal.hpp"
#include "core/offload.hpp"

namespace vmc::agent {

class Executor {
 public:
  Executor(asio::io_context& loop, const Settings& settings, Connections& connections, BufferClient& buffer,
           Pool& cpu, const Clock& clock)
      : loop_{loop},
        settings_{settings},
        connections_{connections},
        buffer_{buffer},
        cpu_{cpu},
        clock_{clock} {}

  // Needed before commands run.
  void set_audit(std::unique_ptr<AuditLog> audit) { audit_ = std::move(audit); }
  awaitable<void> close();  // when no command is left

  // Cancelling the caller stops the query on the server.
  awaitable<Outcome> run(wire::Command command);

 private:
  struct Call {
    const wire::Command& command;
    AuditedEnd record;  // its rows and bytes: of chunks that were sent or fetched, also where it failed
  };
  awaitable<Result<wire::CommandResult>> dispatch(Call& call);
  // UNAVAILABLE: it must not run.
  awaitable<Result<void>> record_start(const Call& call);
  awaitable<void> record_end(const Call& call);
  awaitable<void> add_what_views_read(Call& call);
  awaitable<Result<wire::CommandResult>> split(const wire::Command& command);
  awaitable<Result<wire::CommandResult>> extract(Call& call);
  awaitable<Result<wire::CommandResult>> digest(const wire::Command& command);
  awaitable<Result<wire::CommandResult>> load(Call& call);
  awaitable<Result<wire::CommandResult>> swap(const wire::Command& command);
  awaitable<Result<wire::CommandResult>> drop_aside(const wire::Command& command);
  awaitable<Result<wire::CommandResult>> digest_keys(Call& call);
  awaitable<Result<wire::CommandResult>> query(Call& call);
  awaitable<Result<wire::CommandResult>> query_intent(const wire::Command& command);
  awaitable<Result<wire::CommandResult>> query_statement(Call& call);

  Result<sources::LoadRequest> load_request(const wire::Command& command, const data::TableInfo& table) const;
  sources::ReadLimits limits_of(const wire::Command& command, std::vector<const data::TableInfo*> reached = {}) const;

  asio::io_context& loop_;
  const Settings& settings_;
  Connections& connections_;
  BufferClient& buffer_;
  Pool& cpu_;
  const Clock& clock_;
  std::unique_ptr<AuditLog> audit_;
};

}  // namespace vmc::agent
