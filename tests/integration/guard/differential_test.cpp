// What the guard accepts, fired past it at a real server by a superuser: nothing tries to write, and nothing is left behind.
#include <catch2/catch.hpp>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>

#include <fmt/format.h>

#include "../../support/mariadb_server.hpp"
#include "../../support/postgres_server.hpp"
#include "../../support/show_result.hpp"
#include "core/json.hpp"
#include "sql/guard/guard.hpp"

using namespace vmc;
using namespace vmc::test;
using sources::Access;

namespace {

constexpr std::size_t kMutants = 30'000;

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in{file};
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::filesystem::path corpus(const std::string& dialect) {
  return std::filesystem::path{VMC_SOURCE_DIR} / "tests/corpora/guard" / dialect;
}

std::vector<std::string> statements_of(const std::string& dialect) {
  std::vector<std::string> statements;
  for (const char* file : {"honest.ndjson", "private.ndjson", "escaping.ndjson"}) {
    std::ifstream in{corpus(dialect) / file};
    for (std::string line; std::getline(in, line);) statements.push_back(Json::parse(line).at("sql").get<std::string>());
  }
  REQUIRE(statements.size() > 1'000);
  return statements;
}

// Words, runs of blanks and single other characters.
std::vector<std::string> pieces_of(const std::string& statement) {
  const auto kind = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return std::isalnum(byte) || c == '_' || byte >= 0x80 ? 1 : std::isspace(byte) ? 2 : 3;
  };
  std::vector<std::string> pieces;
  for (const char c : statement) {
    if (!pieces.empty() && kind(c) != 3 && kind(pieces.back().back()) == kind(c)) pieces.back() += c;
    else pieces.push_back(std::string{c});
  }
  return pieces;
}

// A statement with a few pieces left out, doubled, exchanged, or taken from another one.
class Mutator {
 public:
  Mutator(const std::vector<std::string>& statements, std::uint64_t seed) : random_{seed} {
    for (const auto& statement : statements)
      if (!statement.empty() && statement.size() < 1'000) pieces_.push_back(pieces_of(statement));
  }

  std::string next() {
    auto pieces = any(pieces_);
    for (auto changes = 1 + pick(3); changes-- > 0 && !pieces.empty();) {
      const auto at = pieces.begin() + static_cast<std::ptrdiff_t>(pick(pieces.size()));
      const auto& other = any(pieces_);
      switch (pick(5)) {
        case 0:
          pieces.erase(at);
          break;
        case 1:
          pieces.insert(at, std::string{*at});
          break;
        case 2:
          *at = any(other);
          break;
        case 3:
          pieces.insert(at, " " + any(other) + " ");
          break;
        default: {
          const auto from = pick(other.size()), count = std::min(1 + pick(8), other.size() - from);
          pieces.insert(at, other.begin() + static_cast<std::ptrdiff_t>(from), other.begin() + static_cast<std::ptrdiff_t>(from + count));
        }
      }
    }
    std::string out;
    for (const auto& piece : pieces) out += piece;
    return out;
  }

 private:
  std::size_t pick(std::size_t below) { return std::uniform_int_distribution<std::size_t>{0, below - 1}(random_); }
  template <class T>
  const T& any(const std::vector<T>& list) {
    return list[pick(list.size())];
  }

  std::mt19937_64 random_;
  std::vector<std::vector<std::string>> pieces_;
};

std::uint64_t seed() {
  const char* given = std::getenv("VMC_SEED");
  const auto seed = given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "seed " << seed << " (VMC_SEED repeats it)\n";
  return seed;
}

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

  void run(const std::string& statement) {
    const auto verdict = guard.judge(statement);
    if (!verdict.accepted()) return;
    ++accepted;
    if (!session) {
      auto opened = source.open(Access::read, std::chrono::seconds{10});
      if (!opened) FAIL(opened.error().text());
      session = std::move(*opened);
    }
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
