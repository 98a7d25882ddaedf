// The agent's journal: commands it has taken and answers the cloud has not confirmed, in local SQLite.
//
// A command is stored before it is acknowledged or run, its outcome soon after it was sent (what a crash loses between
// the two is run and sent again), so that neither a restart nor a cut link loses one. Bodies and outcomes are sealed
// under a key from the vault. Nothing unconfirmed is ever purged.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/approvals.hpp"
#include "core/clock.hpp"
#include "crypto/secret.hpp"
#include "data/schema.hpp"
#include "store/database.hpp"
#include "wire/command.hpp"

namespace vmc::agent {

using Outcome = std::variant<wire::CommandResult, wire::CommandError>;
const std::string& command_of(const Outcome& outcome);

class Journal {
 public:
  static Result<std::unique_ptr<Journal>> open(const std::filesystem::path& folder, std::uint64_t bytes_max,
                                               const Clock& clock);

  // Needed before commands are taken.
  void set_key(crypto::Secret key) { key_ = std::move(key); }

  // What to do with a command that has arrived.
  struct Admission {
    enum class Kind { run, running_already, answered } kind = Kind::run;
    std::optional<Outcome> outcome;  // answered: the stored one, or the refusal
    std::int64_t more_held = 0;      // bytes
    std::optional<std::int64_t> held = std::nullopt;  // bytes in all, where they were counted
  };
  // Stores it durably. A key seen before answers from the stored outcome, or IDEMPOTENCY_MISMATCH when it
  // stood for something else; an older attempt than one seen is refused with CONFLICT; QUEUE_FULL when there
  // is no room.
  awaitable<Result<Admission>> admit(wire::Command command);
  awaitable<Result<void>> finish(const std::vector<Outcome>& outcomes);  // all or none
  // The cloud has these: rows go, the outcomes are kept for repeats. Returns those that are not finished here yet: to
  // be confirmed again.
  awaitable<Result<std::vector<std::string>>> confirm(const std::vector<std::string>& command_ids);
  awaitable<Result<void>> drop(std::string command_id);  // cancelled before it was run

  awaitable<Result<std::vector<wire::Command>>> unfinished();  // after a restart, oldest first
  // To be sent (again), oldest first: at most kUnconfirmedAtOnce after the one named.
  awaitable<Result<std::vector<Outcome>>> unconfirmed(std::string after = "");
  static constexpr std::int64_t kUnconfirmedAtOnce = 32;  // 8 MiB at most

  awaitable<Result<std::optional<std::string>>> fact(std::string name);
  awaitable<Result<void>> set_facts(std::vector<std::pair<std::string, std::string>> facts);

  awaitable<Result<void>> approve(std::string connection, data::Schema schema);
  awaitable<Result<std::optional<data::Schema>>> approved(std::string connection);
  awaitable<Result<std::optional<Micros>>> approved_at(std::string connection);

  // The consent ledger; see approvals.hpp. The error: why a statement of this shape may not run.
  awaitable<Result<void>> ask_consent(std::string connection, sql::Shape shape);
  awaitable<Result<std::vector<KnownShape>>> known_shapes(std::string connection, bool decided);
  awaitable<Result<std::vector<KnownShape>>> decide(std::vector<std::string> ids, bool yes);

 private:
  Journal(std::unique_ptr<store::Database> db, std::uint64_t bytes_max, const Clock& clock);
  Result<Admission> admit_in(store::Tx& tx, const wire::Command& command, std::optional<std::int64_t> held) const;
  std::int64_t finish_in(store::Tx& tx, const Outcome& outcome) const;
  Result<bool> confirm_in(store::Tx& tx, const std::string& command_id) const;
  Bytes seal(std::string_view label, std::string_view id, const Json& json) const;
  Result<Json> open_sealed(std::string_view label, std::string_view id, ByteView sealed) const;

  std::unique_ptr<store::Database> db_;
  std::uint64_t bytes_max_;
  const Clock& clock_;
  crypto::Secret key_;
  // On the loop.
  std::optional<std::int64_t> held_;  // bytes of the rows, at least; counted at first use
  Micros purged_at_ = 0;
};

Json outcome_to_json(const Outcome& outcome);
Result<Outcome> outcome_from_json(const Json& json);

}  // namespace vmc::agent
