// Opening a connection to SQL Server: each thing that can be wrong is told apart, with what to do about it.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <thread>

#include "../../support/mssql_server.hpp"
#include "../../support/refused_connection.hpp"
#include "../../support/rows.hpp"

using namespace vmc;
using namespace vmc::test;
using sources::Access;

namespace {

MssqlServer& server() { return MssqlServer::instance(); }

Error refused(sources::ServerSettings settings, Duration timeout = std::chrono::seconds{10}) {
  return refused_by(*sources::make_mssql_source(std::move(settings)), timeout);
}

std::unique_ptr<sources::Session> opened(sources::ServerSettings settings, Access access = Access::read) {
  auto session = sources::make_mssql_source(std::move(settings))->open(access, std::chrono::seconds{10});
  if (!session) FAIL(session.error().text());
  return std::move(*session);
}

struct TlsMode {
  explicit TlsMode(const char* mode) { server().control({{"do", "tls"}, {"mode", mode}}); }
  ~TlsMode() { server().control({{"do", "tls"}, {"mode", "none"}}); }
};

}  // namespace

TEST_CASE("SQL Server: a wrong password, an unknown user and an unknown database are told apart") {
  server().create_database("shop");
  auto wrong = refused(server().settings("shop", "sa", "wrong-pw"));
  CHECK(wrong.code == Code::auth_failed);
  CHECK(wrong.message.find("password") != std::string::npos);
  CHECK(refused(server().settings("shop", "nobody", "wrong-pw")).code == Code::auth_failed);
  auto unknown = refused(server().settings("no_such_db"));
  CHECK(unknown.code == Code::not_found);
  CHECK(unknown.message.find("no_such_db") != std::string::npos);
  server().control({{"do", "user"}, {"name", "outsider"}, {"password", "secret"}, {"shut_out_of", {"shop"}}});
  auto shut_out = refused(server().settings("shop", "outsider"));
  CHECK(shut_out.code == Code::not_found);
  CHECK(shut_out.hint.find("CREATE USER") != std::string::npos);
}

TEST_CASE("SQL Server: an unknown host, a closed port and a silent server are told apart") {
  auto settings = server().settings("shop");
  settings.host = "no-such-host.invalid";
  auto unknown = refused(settings);
  CHECK(unknown.code == Code::unavailable);
  CHECK(unknown.message.find("does not resolve") != std::string::npos);

  const Mute closed{false};
  settings = server().settings("shop");
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

TEST_CASE("SQL Server: settings that could carry more than they say are refused") {
  for (const char* host : {"127.0.0.1\n\tport = 1", "", "server\\instance", "a b", "[global]"}) {
    auto settings = server().settings("shop");
    settings.host = host;
    INFO(host);
    CHECK(refused(settings).code == Code::invalid_request);
  }
  auto settings = server().settings("shop");
  settings.sslmode = "off\n\tdump file = /tmp/x";
  CHECK(refused(settings).code == Code::invalid_request);
  CHECK(refused(server().settings("shop\n")).code == Code::invalid_request);
}

TEST_CASE("SQL Server: a server without TLS, one with a stranger's certificate, and rows over TLS") {
  server().create_database("shop");
  server().run("CREATE TABLE t (a int NOT NULL PRIMARY KEY); INSERT INTO t VALUES (1), (2)", "shop");
  auto settings = server().settings("shop");
  settings.sslmode = "require";
  auto without = refused(settings);
  CHECK(without.code == Code::unavailable);
  CHECK(without.message.find("TLS") != std::string::npos);

  const TlsMode required{"required"};
  settings.sslmode = "verify-full";
  auto stranger = refused(settings);
  CHECK(stranger.code == Code::unavailable);
  CHECK(stranger.message.find("TLS") != std::string::npos);

  for (const char* mode : {"require", "prefer"}) {
    settings.sslmode = mode;
    INFO(mode);
    auto session = opened(settings);
    const auto table = table_named(*session, "t");
    CHECK(read_all(*session, intent_for(table, {"a"}), table).size() == 2);
  }
}

TEST_CASE("SQL Server: a reading session asks for a readable secondary, a loading one does not") {
  server().create_database("shop");
  server().seen();
  opened(server().settings("shop"));
  opened(server().settings("shop"), Access::load);
  const auto logins = server().seen().at("logins");
  REQUIRE(logins.size() == 2);
  CHECK(logins[0].at("read_only") == true);
  CHECK(logins[1].at("read_only") == false);
  CHECK(logins[0].at("application") == "vmc");
}

TEST_CASE("SQL Server: a read-only user is found clean, a writer and a sysadmin are told with the cure") {
  server().create_database("shop");
  server().run("CREATE TABLE t (a int)", "shop");
  server().control({{"do", "user"}, {"name", "reader"}, {"password", "secret"}, {"database_roles", {"db_datareader"}}});
  server().control({{"do", "user"},
                    {"name", "writer"},
                    {"password", "secret"},
                    {"writes", {"[dbo].[t]"}},
                    {"permissions", {"CREATE TABLE"}}});
  const auto report = [](const std::string& user) {
    auto rights = opened(server().settings("shop", user))->rights();
    if (!rights) FAIL(rights.error().text());
    std::string all;
    for (const auto& finding : rights->findings) all += finding + "\n";
    return std::pair{*rights, all};
  };
  server().control({{"do", "user"}, {"name", "bulk"}, {"password", "secret"}, {"server_roles", {"bulkadmin"}}});
  const auto [bulk, files] = report("bulk");
  CHECK_FALSE(bulk.can_write);
  CHECK(bulk.reaches_beyond);
  CHECK(files.find("bulkadmin") != std::string::npos);
  const auto [reader, nothing] = report("reader");
  CHECK_FALSE(reader.superuser);
  CHECK_FALSE(reader.can_write);
  CHECK(nothing.empty());
  const auto [writer, told] = report("writer");
  CHECK_FALSE(writer.superuser);
  CHECK_FALSE(writer.reaches_beyond);
  CHECK(writer.can_write);
  for (const char* part : {"may write 1 tables or views: dbo.t", "may create tables", "no read-only session",
                           "ALTER ROLE db_datareader ADD MEMBER vmc_reader", "CREATE LOGIN vmc_reader"}) {
    INFO(part);
    CHECK(told.find(part) != std::string::npos);
  }
  const auto [super, everything] = report("sa");
  CHECK(super.superuser);
  CHECK(super.can_write);
  CHECK(everything.find("sysadmin") != std::string::npos);
}

TEST_CASE("SQL Server: connections opened at once by many threads each get their own errors") {
  server().create_database("shop");
  std::vector<Code> codes(8, Code::internal);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < codes.size(); ++i)
    threads.emplace_back([&, i] {
      auto settings = i % 2 ? server().settings("shop") : server().settings("shop", "sa", "wrong-pw");
      auto session = sources::make_mssql_source(settings)->open(Access::read, std::chrono::seconds{10});
      codes[i] = session ? Code::conflict : session.error().code;
    });
  for (auto& thread : threads) thread.join();
  for (std::size_t i = 0; i < codes.size(); ++i) CHECK(codes[i] == (i % 2 ? Code::conflict : Code::auth_failed));
}
