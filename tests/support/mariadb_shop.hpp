// A database of its own on the test's MariaDB, for each test.
#pragma once

#include "mariadb_server.hpp"
#include "rows.hpp"

namespace vmc::test {

struct MariadbShop {
  std::string name;
  MariadbShop() {
    static int next = 0;
    name = "shop_" + std::to_string(next++);
    MariadbServer::instance().create_database(name);
  }
  std::string run(const std::string& sql) const { return MariadbServer::instance().run(sql, name); }
  std::unique_ptr<sources::Session> open(sources::Access access = sources::Access::read,
                                         const std::string& user = "root") const {
    auto session = sources::make_mysql_source(MariadbServer::instance().settings(name, user))
                       ->open(access, std::chrono::seconds{10});
    if (!session) FAIL(session.error().text());
    return std::move(*session);
  }
  // Statements on the server that hold `part` and run now. Its two halves are one literal: the question that was asked
  // before may still be listed, and must not count.
  int busy(const std::string& part) const {
    return std::stoi(run("SELECT count(*) FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND INFO LIKE '%" +
                         part.substr(0, 1) + "' '" + part.substr(1) + "%' AND COMMAND IN ('Query', 'Execute')"));
  }
  // A user with no rights yet, from this machine.
  void user(const std::string& who) const {
    run("DROP USER IF EXISTS '" + who + "'@'%'; CREATE USER '" + who + "'@'%' IDENTIFIED BY 'secret'");
  }
};

inline std::vector<std::string> names_of(const data::TableInfo& table) {
  std::vector<std::string> out;
  for (const auto& column : table.columns) out.push_back(column.name);
  return out;
}

}  // namespace vmc::test
