// Opening a connection to PostgreSQL: each thing that can be wrong is told apart, with what to do about it.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <cstdlib>

#include "../../support/postgres_server.hpp"
#include "../../support/refused_connection.hpp"
#include "../../support/rows.hpp"

using namespace vmc;
using namespace vmc::test;
using sources::Access;

namespace {

PostgresServer& server() { return PostgresServer::instance(); }

Error refused(sources::ServerSettings settings, Duration timeout = std::chrono::seconds{10}) {
  return refused_by(*sources::make_postgres_source(std::move(settings)), timeout);
}

void reload_with(const std::string& hba_line) {
  const auto file = server().run("SHOW hba_file");
  server().run(
      "CREATE TEMP TABLE line (t text); COPY line FROM PROGRAM 'echo done'; "
      "COPY (SELECT '" +
      hba_line + "') TO PROGRAM 'cat - " + file + " > " + file + ".new && mv " + file + ".new " + file +
      "'; "
      "SELECT pg_reload_conf()");
}

}  // namespace

TEST_CASE("a wrong password, an unknown user and an unknown database are told apart") {
  auto wrong = refused(server().settings("postgres", "postgres", "wrong-pw"));
  CHECK(wrong.code == Code::auth_failed);
  CHECK(wrong.message.find("password") != std::string::npos);
  CHECK(refused(server().settings("postgres", "nobody", "wrong-pw")).code == Code::auth_failed);
  auto none = server().settings("postgres");
  none.password = nullptr;
  auto asked = refused(none);
  CHECK(asked.code == Code::auth_failed);
  CHECK(asked.message.find("asks for a password") != std::string::npos);
  auto unknown = refused(server().settings("no_such_db"));
  CHECK(unknown.code == Code::not_found);
  CHECK(unknown.message.find("no_such_db") != std::string::npos);
}

TEST_CASE("an unknown host, a closed port and a silent server are told apart") {
  auto settings = server().settings("postgres");
  settings.host = "no-such-host.invalid";
  auto unknown = refused(settings);
  CHECK(unknown.code == Code::unavailable);
  CHECK(unknown.message.find("does not resolve") != std::string::npos);

  const Mute closed{false};
  settings = server().settings("postgres");
  settings.port = closed.port();
  auto nobody = refused(settings);
  CHECK(nobody.code == Code::unavailable);
  CHECK(nobody.message.find("nothing listens") != std::string::npos);

  const Mute silent{true};
  settings.port = silent.port();
  auto mute = refused(settings, std::chrono::milliseconds{200});
  CHECK(mute.code == Code::unavailable);
  CHECK(mute.message.find("did not answer in time") != std::string::npos);
}

TEST_CASE("a missing right to connect is told as such") {
  server().create_database("closed_db");
  server().run("DROP ROLE IF EXISTS outsider; CREATE ROLE outsider LOGIN PASSWORD 'secret'");
  server().run("REVOKE CONNECT ON DATABASE closed_db FROM PUBLIC");
  CHECK(refused(server().settings("closed_db", "outsider")).code == Code::schema_access_denied);
}

TEST_CASE("settings that could carry more than they say are refused") {
  auto settings = server().settings("postgres");
  settings.host = "127.0.0.1,evil.example";
  CHECK(refused(settings).code == Code::invalid_request);
  settings = server().settings("postgres");
  settings.sslmode = "disable host=evil.example";
  CHECK(refused(settings).code == Code::invalid_request);
  settings = server().settings("host=evil.example dbname=postgres");
  CHECK(refused(settings).code == Code::not_found);  // a name, not a connection string
}

TEST_CASE("TLS: a server without it, a server that wants it, and rows over it") {
  auto settings = server().settings("postgres");
  settings.sslmode = "require";
  auto without = refused(settings);
  CHECK(without.code == Code::unavailable);
  CHECK(without.message.find("offers no TLS") != std::string::npos);

  const auto data = server().directory() / "data";
  const auto make =
      "cd " + data.string() +
      " && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
      "-subj /CN=localhost -keyout server.key -out server.crt 2>/dev/null && chmod 600 server.key && "
      "chown --reference=PG_VERSION server.key server.crt";
  REQUIRE(std::system(make.c_str()) == 0);
  server().run("ALTER SYSTEM SET ssl = on");
  server().run("DROP ROLE IF EXISTS tls_only; CREATE ROLE tls_only LOGIN PASSWORD 'secret'");
  reload_with("hostnossl all tls_only 0.0.0.0/0 reject");

  auto plain = server().settings("postgres", "tls_only");
  plain.sslmode = "disable";
  auto wanted = refused(plain);
  CHECK(wanted.code == Code::auth_failed);
  CHECK(wanted.hint.find("sslmode") != std::string::npos);

  auto verified = server().settings("postgres", "tls_only");
  verified.sslmode = "verify-full";
  auto stranger = refused(verified);
  CHECK(stranger.code == Code::unavailable);
  CHECK(stranger.message.find("certificate") != std::string::npos);

  settings = server().settings("postgres", "tls_only");
  settings.sslmode = "require";
  server().run(
      "DROP VIEW IF EXISTS many; CREATE VIEW many AS SELECT i::bigint AS i, repeat('x', 500) AS t FROM "
      "generate_series(1, 60000) i;"
      "GRANT SELECT ON many TO tls_only");
  auto session = sources::make_postgres_source(settings)->open(Access::read, std::chrono::seconds{10});
  REQUIRE(session);
  const auto table = table_named(**session, "many");
  std::size_t rows = 0;
  const auto count = [&](data::Batch batch) -> Result<void> {
    rows += batch.rows;
    return {};
  };
  auto outcome = (*session)->read(intent_for(table, {"i", "t"}), table, {}, count);
  if (!outcome) FAIL(outcome.error().text());
  CHECK(rows == 60'000);
}

TEST_CASE("a read-only user is found clean, a writer and a superuser are told with the cure") {
  server().create_database("rights_db");
  server().run(
      "CREATE TABLE public.t (a int); CREATE SCHEMA \"my shop\"; CREATE TABLE \"my shop\".u (a int); REVOKE "
      "CREATE ON SCHEMA public FROM PUBLIC",
      "rights_db");
  server().run("DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'secret'");
  server().run("DROP ROLE IF EXISTS writer; CREATE ROLE writer LOGIN PASSWORD 'secret' CREATEDB");
  server().run("DROP ROLE IF EXISTS files; CREATE ROLE files LOGIN PASSWORD 'secret'; GRANT pg_read_server_files TO files");
  server().run(
      "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader, writer; GRANT UPDATE ON t TO writer;"
      "GRANT USAGE, CREATE ON SCHEMA \"my shop\" TO writer; GRANT pg_read_server_files TO writer",
      "rights_db");
  const auto report = [](const std::string& user) {
    auto session = sources::make_postgres_source(server().settings("rights_db", user))
                       ->open(Access::read, std::chrono::seconds{10});
    if (!session) FAIL(session.error().text());
    auto rights = (*session)->rights();
    if (!rights) FAIL(rights.error().text());
    return *rights;
  };
  const auto reader = report("reader");
  CHECK_FALSE(reader.superuser);
  CHECK_FALSE(reader.can_write);
  CHECK_FALSE(reader.reaches_beyond);
  CHECK(reader.findings.empty());
  const auto files = report("files");
  CHECK_FALSE(files.can_write);
  CHECK(files.reaches_beyond);

  const auto writer = report("writer");
  CHECK(writer.can_write);
  const auto all = [](const sources::RightsReport& rights) {
    std::string out;
    for (const auto& finding : rights.findings) out += finding + "\n";
    return out;
  };
  for (const char* part : {"public.t", "create databases", "pg_read_server_files", "my shop",
                           "GRANT SELECT ON ALL TABLES IN SCHEMA \"my shop\" TO vmc_reader;"}) {
    INFO(part);
    CHECK(all(writer).find(part) != std::string::npos);
  }
  const auto super = report("postgres");
  CHECK(super.superuser);
  CHECK(super.can_write);

  // The cure works: the statements run as they stand and leave a user without findings.
  auto statements = super.findings.back().substr(super.findings.back().find("CREATE ROLE"));
  statements.replace(statements.find("<choose one>"), 12, "secret");
  server().run("DROP ROLE IF EXISTS vmc_reader");
  server().run(statements, "rights_db");
  CHECK(report("vmc_reader").findings.empty());
  server().run("DROP OWNED BY vmc_reader; DROP ROLE vmc_reader", "rights_db");
}
