// What the database users of connections may do, looked at when first used and then every so often.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "agent/agent.hpp"
#include "sources/pool.hpp"

namespace vmc::agent {

class Grants {
 public:
  explicit Grants(Duration check_every) : check_every_{check_every} {}

  // WEAK_GRANTS when the owner has weak ones refused; an error of opening the connection as it is.
  awaitable<Result<void>> admit(const ConnectionSettings& connection, sources::SourcePool& pool);

  enum class Strength { unknown, strong, weak };
  struct Verdict {
    Strength strength = Strength::unknown;
    std::vector<std::string> findings;
  };
  // Of what was seen last, by the settings as they are now.
  std::optional<Verdict> last(const ConnectionSettings& connection) const;

 private:
  struct Known {
    Result<sources::RightsReport> rights{sources::RightsReport{}};
    std::optional<Steady::time_point> looked_at;
    std::optional<Strength> told;  // in the log
    bool looking = false;
  };
  awaitable<Result<void>> look(const ConnectionSettings& connection, sources::SourcePool& pool, Known& known);

  Duration check_every_;
  std::map<std::string, Known> known_;
};

std::string_view to_string(Grants::Strength strength);
// May the user do more than this connection needs? Loads need one that writes.
bool is_weak(const sources::RightsReport& rights, const ConnectionSettings& connection);

}  // namespace vmc::agent
