// Whatever the guard accepts beside private parts answers the same, whatever stands in them: in values, in numbers of
// rows, in errors. Told by changing every private value of a real server and asking again.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <fstream>
#include <functional>

#include <fmt/format.h>

#include "../../support/mariadb_server.hpp"
#include "../../support/postgres_server.hpp"
#include "../../support/rows.hpp"
#include "mutants.hpp"
#include "sql/guard/guard.hpp"

using namespace vmc;
using namespace vmc::test;
using sources::Access;

namespace {

constexpr std::size_t kMutants = 20'000;
constexpr std::size_t kRowsMax = 2'000;
constexpr auto kStatementLimit = std::chrono::seconds{2};

// customers.email and salaries.*, as in the corpora, and ways to reach them.
const data::Parts kPrivate{{"customers", {"email"}}, {"salaries", {"*"}}};
const std::vector<std::string> kWords{"email",
                                      "c.email",
                                      "customers",
                                      "salaries",
                                      "amount",
                                      "*",
                                      "c.*",
                                      "c",
                                      "(c)",
                                      "staff_pay",
                                      "employee_id",
                                      "(SELECT max(email) FROM customers)",
                                      "(SELECT max(amount) FROM salaries)",
                                      "NATURAL JOIN customers",
                                      ", customers c",
                                      "JOIN customers USING (id)",
                                      "AS email",
                                      "valid_from"};

struct Answer {
  std::string outcome;  // an error's code, or the names of the columns
  Rows rows;
  bool operator==(const Answer&) const = default;
};

// A server with the corpus' schema, and its private values in two states that differ in all of them.
struct Server {
  sql::Dialect dialect;
  std::string corpus;
  sources::Source& source;
  std::function<void(bool)> fill;
};

class Asker {
 public:
  explicit Asker(sources::Source& source) : source_{source} {}

  Answer ask(const std::string& statement, const sql::Verdict& verdict) {
    if (!session_) open();
    sources::SqlQuery query;
    query.text = statement.substr(verdict.begin, verdict.length);
    query.is_query = verdict.is_query;
    Answer answer;
    const auto sink = [&](data::Batch batch) -> Result<void> {
      VMC_CHECK(into(answer.rows)(std::move(batch)));
      if (answer.rows.size() > kRowsMax) return fail(Code::quota_exceeded, "enough");
      return {};
    };
    const auto type = session_->query(query, {kStatementLimit}, sink);
    if (!type) answer = {std::string{info(type.error().code).name}, {}};
    else
      for (const auto& column : **type) answer.outcome += column.name + "\n";
    if (!session_->reset()) session_.reset();
    return answer;
  }

 private:
  void open() {
    auto opened = source_.open(Access::read, std::chrono::seconds{10});
    if (!opened) FAIL(opened.error().text());
    session_ = std::move(*opened);
  }

  sources::Source& source_;
  std::unique_ptr<sources::Session> session_;
};

using Judged = std::vector<std::pair<std::string, sql::Verdict>>;

std::vector<Answer> answers(const Server& server, bool state, const Judged& judged) {
  server.fill(state);
  Asker asker{server.source};
  std::vector<Answer> list;
  for (const auto& [statement, verdict] : judged) list.push_back(asker.ask(statement, verdict));
  return list;
}

// Those of which the answers differ with the state, and only with it: clocks and dice differ by themselves.
std::vector<std::string> telling(const Server& server, const Judged& judged) {
  const auto one = answers(server, false, judged), other = answers(server, true, judged);
  Judged differ;
  std::vector<Answer> ones, others;
  for (std::size_t i = 0; i < judged.size(); ++i) {
    if (one[i] == other[i]) continue;
    differ.push_back(judged[i]);
    ones.push_back(one[i]);
    others.push_back(other[i]);
  }
  const auto one_again = answers(server, false, differ), other_again = answers(server, true, differ);
  std::vector<std::string> list;
  for (std::size_t i = 0; i < differ.size(); ++i)
    if (ones[i] == one_again[i] && others[i] == other_again[i]) list.push_back(differ[i].first);
  std::size_t answered = 0;
  for (const auto& answer : one) answered += answer.outcome.find('\n') != std::string::npos ? 1 : 0;
  std::cout << judged.size() << " asked, " << answered << " answered, " << differ.size() << " differ\n";
  return list;
}

data::Schema schema_of(sources::Source& source) {
  auto session = source.open(Access::read, std::chrono::seconds{10});
  if (!session) FAIL(session.error().text());
  auto schema = (*session)->discover();
  if (!schema) FAIL(schema.error().text());
  return std::move(*schema);
}

void compare(const Server& server) {
  server.fill(false);
  const auto schema = schema_of(server.source);
  const auto guard =
      sql::make_guard(server.dialect, {sql::Catalogue::make(server.dialect, &schema, kPrivate, "shop"), {}});
  const auto open = sql::make_guard(server.dialect, {sql::Catalogue::make(server.dialect, &schema, {}, "shop"), {}});
  REQUIRE(guard);
  REQUIRE(open);
  const auto statements = statements_of(server.corpus);
  Mutator mutator{statements, seed(), kWords};
  Judged accepted, only_open;
  const auto judge = [&](const std::string& statement) {
    auto verdict = (*guard)->judge(statement);
    if (verdict.accepted()) accepted.emplace_back(statement, std::move(verdict));
    else if (auto other = (*open)->judge(statement); other.accepted())
      only_open.emplace_back(statement, std::move(other));
  };
  for (const auto& statement : statements) judge(statement);
  for (std::size_t i = 0; i < kMutants; ++i) judge(mutator.next());

  CHECK(telling(server, accepted) == std::vector<std::string>{});
  CHECK(accepted.size() > 1'000);
  // What it refuses for the sake of the private parts would have told.
  only_open.resize(std::min<std::size_t>(only_open.size(), 500));
  CHECK(telling(server, only_open).size() > 50);
}

}  // namespace

TEST_CASE("what the guard accepts does not tell a real PostgreSQL's private values") {
  const auto& postgres = PostgresServer::instance();
  postgres.create_database("shop");
  postgres.run(text_of(corpus("postgres") / "schema.sql"), "shop");
  const auto source = sources::make_postgres_source(postgres.settings("shop"));
  const auto fill = [&](bool state) {
    postgres.run(
        fmt::format(
            "UPDATE customers SET email = '{}' || id; UPDATE salaries SET amount = employee_id * {}, valid_to = '{}';"
            "CLUSTER customers USING customers_pkey; CLUSTER salaries USING salaries_pkey; ANALYZE",
            state ? "other-" : "canary", state ? 7 : 5, state ? "2019-05-05" : "2018-04-04"),
        "shop");
  };
  compare({sql::Dialect::postgres, "postgres", *source, fill});
}

TEST_CASE("what the guard accepts does not tell a real MariaDB's private values") {
  const auto& mariadb = MariadbServer::instance();
  const auto defaults = mariadb.directory() / "interference.cnf";
  std::ofstream{defaults} << "[client]\nhost=127.0.0.1\nprotocol=tcp\nport=" << mariadb.port()
                          << "\nuser=root\npassword=secret\n";
  REQUIRE(std::system(("mariadb --defaults-file=" + defaults.string() + " < " +
                       (corpus("mysql") / "schema.sql").string() + " > /dev/null")
                          .c_str()) == 0);
  const auto source = sources::make_mysql_source(mariadb.settings("shop"));
  const auto fill = [&](bool state) {
    mariadb.run(
        fmt::format("UPDATE customers SET email = concat('{}', id); UPDATE salaries SET amount = employee_id * {}",
                    state ? "other-" : "canary", state ? 7 : 5),
        "shop");
  };
  compare({sql::Dialect::mysql, "mysql", *source, fill});
}
