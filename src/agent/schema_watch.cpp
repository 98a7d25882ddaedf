#include "agent/schema_watch.hpp"

#include <utility>

#include <fmt/format.h>

#include "agent/privacy.hpp"
#include "core/event.hpp"
#include "core/log.hpp"
#include "core/text.hpp"
#include "data/schema_diff.hpp"

namespace vmc::agent {

awaitable<void> SchemaWatch::run() {
  co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
  co_await asio::this_coro::throw_if_cancelled(false);
  bool stop = false;
  while (!co_await stopping()) {
    auto all = connections_.settings();
    for (auto& connection : all) {
      const auto id = connection.id;
      auto looked = co_await look(std::move(connection));
      stop = co_await stopping();
      if (stop) break;
      const auto why = looked ? std::string{} : looked.error().text();
      if (!looked && std::exchange(told_[id], why) != why)
        log::warn("agent", "the schema cannot be looked at", {{"connection", id}, {"error", why}});
    }
    co_await pause_for(every_);
  }
}

awaitable<Result<void>> SchemaWatch::look(ConnectionSettings connection) {
  VMC_CO_TRY(schemas, co_await connections_.discover(connection.id));
  if (!schemas) co_return Result<void>{};
  auto approved = std::move(schemas->approved);
  if (connection.auto_approve_additions) {
    const auto is_private = [&](const std::string& name) { return matches_any(connection.private_names, name); };
    auto merged = data::with_additions(approved, schemas->found, is_private);
    const auto added = data::changes_between(approved, merged);
    if (!added.empty()) {
      VMC_CO_CHECK(co_await connections_.approve(connection.id, merged));
      for (const auto& change : added)
        log::info("agent", "an addition to the schema was approved, as auto_approve_additions says",
                  {{"connection", connection.id}, {"change", data::describe(change)}});
      approved = std::move(merged);
      approved_();
    }
  }
  const auto changes = data::changes_between(approved, schemas->found);
  connections_.note_changes(connection.id, changes.size());
  std::vector<std::string> lines;
  for (const auto& change : changes) lines.push_back(data::describe(change));
  const auto text = join(lines, "; ");
  if (std::exchange(told_[connection.id], text) != text && !changes.empty())
    log::warn("agent", "the schema has changed since it was approved",
              {{"connection", connection.id},
               {"changes", changes.size()},
               {"see", fmt::format("vmc agent schema diff {}", connection.id)}});
  co_return Result<void>{};
}

}  // namespace vmc::agent
