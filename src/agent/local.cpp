// What the owner does at the agent's machine, beside a running agent or without one.
#include "agent/agent.hpp"
#include "agent/connections.hpp"
#include "agent/privacy.hpp"
#include "core/async.hpp"
#include "sql/guard/escapes.hpp"
#include "store/bus.hpp"

namespace vmc::agent {
namespace {

constexpr auto kOpenTimeout = std::chrono::seconds{10};

// Runs one coroutine to its end on a loop of its own.
template <class T>
Result<T> run_alone(std::function<awaitable<Result<T>>()> work) {
  asio::io_context loop{1};
  std::optional<Result<T>> result;
  std::exception_ptr broken;
  auto body = [&]() -> awaitable<void> { result.emplace(co_await work()); };
  asio::co_spawn(loop, body, [&](std::exception_ptr error) { broken = error; });
  loop.run();
  if (broken) std::rethrow_exception(broken);
  return std::move(*result);
}

Result<std::unique_ptr<sources::Session>> open_session(const Home& home, const ConnectionSettings& connection,
                                                       const SecretResolver& secrets) {
  auto password = [&]() -> Result<crypto::Secret> {
    const config::SecretRef standard{"vault", "connection/" + connection.id};
    const auto& reference = connection.password.empty() ? standard : connection.password;
    if (reference.scheme != "vault") return secrets(reference);
    VMC_TRY(vault, Vault::open(vault_settings(home)));
    auto secret = vault.get(reference.rest);
    if (!secret && secret.error().code == Code::not_found && connection.password.empty())
      return crypto::Secret{};
    return secret;
  };
  return make_source(connection, password)->open(sources::Access::read, kOpenTimeout);
}

}  // namespace

Result<void> store_secret(const Home& home, std::string_view record, crypto::Secret secret) {
  VMC_TRY(vault, Vault::open(vault_settings(home)));
  return vault.put(record, std::move(secret));
}

Result<std::vector<std::string>> test_connection(const Home& home, const ConnectionSettings& connection,
                                                 const SecretResolver& secrets) {
  VMC_TRY(session, open_session(home, connection, secrets));
  VMC_TRY(rights, session->rights());
  return rights.findings;
}

Result<SelfTest> self_test(const Home& home, const ConnectionSettings& connection, const SecretResolver& secrets) {
  VMC_TRY(dialect, dialect_of(connection));
  const auto guard_of = [&](bool keywords) {
    return sql::make_guard(dialect, {sql::Catalogue::make(dialect, nullptr, {}, connection.database), {}, keywords});
  };
  VMC_TRY(guard, guard_of(true));
  VMC_TRY(syntax, guard_of(false));
  VMC_TRY(session, open_session(home, connection, secrets));
  SelfTest test;
  for (const auto& escape : sql::known_escapes(dialect)) {
    EscapeTried tried;
    tried.name = escape.name;
    tried.statement = escape.statement;
    if (const auto verdict = guard->judge(escape.statement); verdict.refusal) {
      tried.guard_layer = sql::to_string(verdict.refusal->layer);
      tried.by_keyword = verdict.refusal->code == Code::write_keyword_detected;
    }
    if (const auto verdict = syntax->judge(escape.statement); verdict.refusal)
      tried.syntax_layer = sql::to_string(verdict.refusal->layer);
    if (const auto outcome = session->probe(tried.statement); !outcome) tried.session_error = outcome.error().message;
    test.escapes.push_back(std::move(tried));
    if (session->reset()) continue;
    VMC_TRY(fresh, open_session(home, connection, secrets));
    session = std::move(fresh);
  }
  VMC_TRY(rights, session->rights());
  test.rights = std::move(rights);
  return test;
}

Result<data::Schema> discover(const Home& home, const ConnectionSettings& connection,
                              const SecretResolver& secrets) {
  VMC_TRY(session, open_session(home, connection, secrets));
  VMC_TRY(schema, session->discover());
  if (schema.database.empty() && connection.type != "sqlite") schema.database = connection.database;
  return schema;
}

namespace {

// Works on the agent's journal, beside a running agent or without one.
template <class T>
Result<T> with_journal(const Home& home, std::function<awaitable<Result<T>>(Journal&)> work) {
  VMC_TRY(journal, Journal::open(home.folder, UINT64_MAX / 4, system_clock()));
  std::function<awaitable<Result<T>>()> alone = [&] { return work(*journal); };
  return run_alone(alone);
}

Result<void> tell(const Home& home, std::string_view topic) {
  std::error_code ec;
  std::filesystem::create_directories(home.folder / "bus", ec);
  VMC_TRY(bus, store::make_local_bus((home.folder / "bus").string()));
  bus->publish(topic);
  return {};
}

}  // namespace

Result<void> approve_schema(const Home& home, std::string_view connection, const data::Schema& schema) {
  VMC_CHECK(
      with_journal<void>(home, [&](Journal& journal) { return journal.approve(std::string{connection}, schema); }));
  return tell(home, "schema");
}

Result<std::optional<data::Schema>> approved_schema(const Home& home, std::string_view connection) {
  return with_journal<std::optional<data::Schema>>(
      home, [&](Journal& journal) { return journal.approved(std::string{connection}); });
}

Result<std::optional<Micros>> approved_at(const Home& home, std::string_view connection) {
  return with_journal<std::optional<Micros>>(
      home, [&](Journal& journal) { return journal.approved_at(std::string{connection}); });
}

Result<void> announce_settings(const Home& home) { return tell(home, "settings"); }

Result<std::vector<KnownShape>> known_shapes(const Home& home, std::string_view connection, bool decided) {
  return with_journal<std::vector<KnownShape>>(
      home, [&](Journal& journal) { return journal.known_shapes(std::string{connection}, decided); });
}

Result<std::vector<KnownShape>> decide(const Home& home, const std::vector<std::string>& ids, bool yes) {
  return with_journal<std::vector<KnownShape>>(home, [&](Journal& journal) { return journal.decide(ids, yes); });
}

}  // namespace vmc::agent
