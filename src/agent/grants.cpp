#include "agent/grants.hpp"

#include <fmt/format.h>

#include "core/cleanup.hpp"
#include "core/log.hpp"
#include "core/text.hpp"

namespace vmc::agent {
namespace {

Grants::Verdict judge(const Result<sources::RightsReport>& rights, const ConnectionSettings& connection) {
  if (!rights)
    return {Grants::Strength::unknown, {"The user's rights cannot be told: " + rights.error().text()}};
  const auto strength = is_weak(*rights, connection) ? Grants::Strength::weak : Grants::Strength::strong;
  return {strength, rights->findings};
}

}  // namespace

bool is_weak(const sources::RightsReport& rights, const ConnectionSettings& connection) {
  return rights.superuser || rights.reaches_beyond || (rights.can_write && connection.writable_tables.empty());
}

std::string_view to_string(Grants::Strength strength) {
  if (strength == Grants::Strength::unknown) return "unknown";
  return strength == Grants::Strength::strong ? "strong" : "weak";
}

std::optional<Grants::Verdict> Grants::last(const ConnectionSettings& connection) const {
  const auto found = known_.find(connection.id);
  if (found == known_.end() || !found->second.looked_at) return std::nullopt;
  return judge(found->second.rights, connection);
}

awaitable<Result<void>> Grants::look(const ConnectionSettings& connection, sources::SourcePool& pool,
                                     Known& known) {
  known.looking = true;
  const Cleanup looked{[&] { known.looking = false; }};
  Result<sources::RightsReport> rights{sources::RightsReport{}};
  std::function<Result<void>(sources::Session&)> work = [&](sources::Session& session) -> Result<void> {
    rights = session.rights();
    // Of the call, not of the user: whoever asks next finds out.
    if (!rights && (rights.error().code == Code::cancelled || rights.error().code == Code::unavailable))
      return rights.error();
    return {};
  };
  VMC_CO_CHECK(co_await pool.use(sources::Access::read, work));
  known.rights = std::move(rights);
  known.looked_at = Steady::now();
  const auto verdict = judge(known.rights, connection);
  if (std::exchange(known.told, verdict.strength) != verdict.strength && verdict.strength != Strength::strong)
    log::warn("agent", "the database user's rights are not only for reading",
              {{"connection", connection.id},
               {"rights", std::string{to_string(verdict.strength)}},
               {"findings", join(verdict.findings, " ")}});
  co_return Result<void>{};
}

awaitable<Result<void>> Grants::admit(const ConnectionSettings& connection, sources::SourcePool& pool) {
  auto& known = known_[connection.id];
  const bool fresh = known.looked_at && (known.looking || Steady::now() - *known.looked_at < check_every_);
  if (!fresh) VMC_CO_CHECK(co_await look(connection, pool, known));
  const auto strength = judge(known.rights, connection).strength;
  if (connection.weak_grants != "refuse" || strength == Strength::strong) co_return Result<void>{};
  co_return fail(
      Code::weak_grants,
      fmt::format("the database user of connection '{}' {}", connection.id,
                  strength == Strength::weak ? "may do more than this agent needs"
                                                           : "has rights that cannot be told"),
      fmt::format("On the agent, 'vmc agent db test {}' says what, and how to make a user that only reads.",
                  connection.id));
}

}  // namespace vmc::agent
