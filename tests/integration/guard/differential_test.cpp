// What the guard accepts, fired past it at a real server by a superuser: nothing tries to write, and nothing is left behind.
#include <catch2/catch.hpp>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include <fmt/format.h>

#include "../../support/mariadb_server.hpp"
#include "../../support/postgres_server.hpp"
#include "../../support/show_result.hpp"
#include "mutants.hpp"
#include "sql/guard/guard.hpp"

using namespace vmc;
using namespace vmc::test;
using sources::Access;

namespace {

constexpr std::size_t kMutants = 30'000;

// Everything in the server that a statement could have changed, as its own dump tells it.
std::string contents(const std::string& command) {
  FILE* dump = popen(command.c_str(), "r");
  REQUIRE(dump);
  std::string text;
  for (char* line = nullptr;;) {
    std::size_t size = 0;
    const auto got = getline(&line, &size, dump);
    if (got > 0 && !std::string_view{line}.starts_with("\\restrict") && !std::string_view{line}.starts_with("\\unrestrict")) text += line;
    std::free(line);
    line = nullptr;
    if (got <= 0) break;
  }
  REQUIRE(pclose(dump) == 0);
  REQUIRE(text.size() > 10'000);
  return text;
}

// Accepted ones run; how many did.
struct Runner {
  const sql::Guard& guard;
  sources::Source& source;
  std::unique_ptr<sources::Session> session;
  std::size_t accepted = 0, answered = 0;
  std::string last = {};  // that was run

  void run(const std::string& statement) {
    const auto verdict = guard.judge(statement);
    if (!verdict.accepted()) return;
    ++accepted;
    if (!session) {
      auto opened = source.open(Access::read, std::chrono::seconds{10});
      INFO("behind: " << last);
      if (!opened) FAIL(opened.error().text());
      session = std::move(*opened);
    }
    last = statement;
    const auto outcome = session->probe(statement);
    INFO(statement);
    if (outcome) ++answered;
    else CHECK(outcome.error().code != Code::write_operation_rejected);
    if (!session->reset()) session.reset();
  }
};

void fire(sql::Dialect dialect, const std::string& corpus_name, sources::Source& source, const std::string& dump) {
  auto session = source.open(Access::read, std::chrono::seconds{10});
  if (!session) FAIL(session.error().text());
  auto schema = (*session)->discover();
  REQUIRE(schema);
  const auto guard = sql::make_guard(dialect, {sql::Catalogue::make(dialect, &*schema, {}, "shop"), {}});
  REQUIRE(guard);
  const auto statements = statements_of(corpus_name);
  const auto before = contents(dump);

  Runner runner{**guard, source, std::move(*session)};
  for (const auto& statement : statements) runner.run(statement);
  const auto of_corpus = runner.accepted;
  Mutator mutator{statements, seed()};
  for (std::size_t i = 0; i < kMutants; ++i) runner.run(mutator.next());
  runner.session.reset();

  CHECK(contents(dump) == before);
  std::cout << of_corpus << " of the corpus and " << runner.accepted - of_corpus << " mutants were accepted, " << runner.answered
            << " of them answered\n";
  CHECK(of_corpus > 500);
  CHECK(runner.accepted - of_corpus > 500);
  CHECK(runner.answered > 1'000);
}

}  // namespace

TEST_CASE("what the guard accepts leaves no trace in a real PostgreSQL") {
  const auto& server = PostgresServer::instance();
  server.create_database("shop");
  server.run(text_of(corpus("postgres") / "schema.sql"), "shop");
  const auto source = sources::make_postgres_source(server.settings("shop"));
  fire(sql::Dialect::postgres, "postgres", *source,
       fmt::format("PGPASSWORD=secret pg_dumpall -h 127.0.0.1 -p {} -U postgres", server.port()));
}

TEST_CASE("what the guard accepts leaves no trace in a real MariaDB") {
  const auto& server = MariadbServer::instance();
  const auto defaults = server.directory() / "client.cnf";
  std::ofstream{defaults} << "[client]\nhost=127.0.0.1\nprotocol=tcp\nport=" << server.port() << "\nuser=root\npassword=secret\n";
  const auto client = "--defaults-file=" + defaults.string();
  REQUIRE(std::system(("mariadb " + client + " < " + (corpus("mysql") / "schema.sql").string() + " > /dev/null").c_str()) == 0);
  const auto source = sources::make_mysql_source(server.settings("shop"));
  fire(sql::Dialect::mysql, "mysql", *source,
       "mariadb-dump " + client + " --all-databases --routines --events --skip-dump-date --skip-lock-tables --ignore-table=mysql.general_log");
}
