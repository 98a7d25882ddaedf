// Opening a connection to MariaDB: each thing that can be wrong is told apart, with what to do about it.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include "../../support/mariadb_shop.hpp"
#include "../../support/refused_connection.hpp"

using namespace vmc;
using namespace vmc::test;
using sources::Access;

namespace {

MariadbServer& server() { return MariadbServer::instance(); }

Error refused(sources::ServerSettings settings, Duration timeout = std::chrono::seconds{10}) {
  return refused_by(*sources::make_mysql_source(std::move(settings)), timeout);
}

bool says(const Error& error, std::string_view words) {
  INFO(error.text());
  return error.text().find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("MariaDB: a wrong password, a missing one, an unknown user and an unknown database are told apart") {
  CHECK(refused(server().settings("mysql", "root", "wrong-pw")).code == Code::auth_failed);
  CHECK(refused(server().settings("mysql", "nobody", "wrong-pw")).code == Code::auth_failed);
  auto none = server().settings("mysql");
  none.password = nullptr;
  const auto asked = refused(none);
  CHECK(asked.code == Code::auth_failed);
  CHECK(says(asked, "asks user 'root' for a password"));
  const auto unknown = refused(server().settings("no_such_db"));
  CHECK(unknown.code == Code::not_found);
  CHECK(says(unknown, "no_such_db"));
}

TEST_CASE("MariaDB: host, port, silence and a missing right are told apart") {
  auto settings = server().settings("mysql");
  settings.host = "no-such-host.invalid";
  CHECK(says(refused(settings), "does not resolve"));
  const Mute closed{false};
  settings = server().settings("mysql");
  settings.port = closed.port();
  CHECK(says(refused(settings), "nothing listens"));
  const Mute silent{true};
  settings.port = silent.port();
  CHECK(says(refused(settings, std::chrono::milliseconds{200}), "did not answer in time"));
  const MariadbShop shop;
  shop.user("outsider");
  const auto closed_db = refused(server().settings(shop.name, "outsider"));
  CHECK(closed_db.code == Code::schema_access_denied);
  CHECK(says(closed_db, "may not use database"));
}

TEST_CASE("MariaDB: settings that could carry more than they say are refused") {
  for (const char* host : {"127.0.0.1,evil.example", "host=evil.example;user=x", "mariadb://evil", "/tmp/s", ""}) {
    auto settings = server().settings("mysql");
    settings.host = host;
    INFO(host);
    CHECK(refused(settings).code == Code::invalid_request);
  }
  auto settings = server().settings("mysql");
  settings.sslmode = "whatever";
  CHECK(refused(settings).code == Code::invalid_request);
}

TEST_CASE("MariaDB: a server without TLS is told when TLS is asked for, and taken when it is only preferred") {
  auto settings = server().settings("mysql");
  settings.sslmode = "require";
  const auto without = refused(settings);
  CHECK(without.code == Code::unavailable);
  CHECK(says(without, "offers no TLS"));
  settings.sslmode = "prefer";
  CHECK(sources::make_mysql_source(settings)->open(Access::read, std::chrono::seconds{10}));
}

TEST_CASE("MariaDB: rows come over TLS where the server offers it, and a certificate nobody knows is told") {
  auto& tls = MariadbServer::with_tls();
  auto settings = tls.settings("mysql");
  for (const char* mode : {"verify-full", "verify-ca"}) {
    settings.sslmode = mode;
    CHECK(says(refused(settings), "certificate"));
  }
  tls.run("CREATE TABLE IF NOT EXISTS test_rows AS SELECT seq AS i, repeat('x', 500) AS t FROM seq_1_to_60000");
  for (const auto& [mode, encrypted] : {std::pair{"require", true}, {"prefer", true}, {"disable", false}}) {
    INFO(mode);
    settings.sslmode = mode;
    auto session = sources::make_mysql_source(settings)->open(Access::read, std::chrono::seconds{10});
    if (!session) FAIL(session.error().text());
    sources::SqlQuery query;
    query.text = "SHOW STATUS LIKE 'Ssl_cipher'";
    Rows status;
    REQUIRE((*session)->query(query, {}, into(status)));
    CHECK((data::format(status.at(0).at(1)) != "") == encrypted);
    const auto table = table_named(**session, "test_rows");
    std::size_t rows = 0;
    const auto count = [&](data::Batch batch) -> Result<void> {
      rows += batch.rows;
      return {};
    };
    REQUIRE((*session)->read(intent_for(table, {"i", "t"}), table, {}, count));
    CHECK(rows == 60'000);
  }
}

TEST_CASE("MariaDB: a read-only user is found clean, a writer and an administrator are told with the cure") {
  const MariadbShop shop;
  shop.run("CREATE TABLE t (a int, b int)");
  shop.user("reader");
  shop.user("writer");
  shop.run("GRANT SELECT ON \"" + shop.name + "\".* TO reader; GRANT SELECT ON \"" + shop.name +
           "\".* TO writer; GRANT UPDATE (a) ON t TO writer; GRANT FILE ON *.* TO writer");
  const auto report = [&](const std::string& user) {
    auto rights = shop.open(Access::read, user)->rights();
    if (!rights) FAIL(rights.error().text());
    return *rights;
  };
  const auto all = [](const sources::RightsReport& rights) {
    std::string out;
    for (const auto& finding : rights.findings) out += finding + "\n";
    return out;
  };
  const auto reader = report("reader");
  CHECK_FALSE(reader.superuser);
  CHECK_FALSE(reader.can_write);
  CHECK_FALSE(reader.reaches_beyond);
  CHECK(all(reader) == "");
  const auto writer = report("writer");
  CHECK_FALSE(writer.superuser);
  CHECK(writer.can_write);
  CHECK(writer.reaches_beyond);
  CHECK(all(writer).find("FILE") != std::string::npos);
  CHECK(all(writer).find("UPDATE") != std::string::npos);
  const auto root = report("root");
  CHECK(root.superuser);
  CHECK(root.can_write);
  CHECK(all(root).find("*") != std::string::npos);
  // The cure works: the statements run as they stand and leave a user without findings.
  auto statements = root.findings.back().substr(root.findings.back().find("CREATE USER"));
  statements.replace(statements.find("<choose one>"), 12, "secret");
  for (auto at = statements.find('`'); at != statements.npos; at = statements.find('`')) statements[at] = '"';
  shop.run("DROP USER IF EXISTS vmc_reader");
  shop.run(statements);
  CHECK(report("vmc_reader").findings.empty());
  shop.run("DROP USER vmc_reader; DROP USER reader; DROP USER writer");
}
