// How fast a client of PostgreSQL can be: a SELECT's bytes taken off the socket and not looked at ("raw"), or libpq's
// single-row mode with every value touched ("libpq"), in the binary or the text format. libpq logs in for both.
// Prints one JSON object. PGPASSWORD and the like are libpq's own.
#include <libpq-fe.h>
#include <poll.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <iostream>
#include <memory>
#include <vector>

#include "bench/measure.hpp"
#include "core/async.hpp"
#include "core/json.hpp"

namespace {

using namespace vmc;

constexpr int kLowWater = 256 << 10;
constexpr int kTailWaitMs = 2;
constexpr std::size_t kRoom = 1 << 20;
// Of the protocol's last message, ReadyForQuery outside a transaction.
constexpr std::string_view kReady{"Z\0\0\0\5I", 6};

struct Finish {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
using Connection = std::unique_ptr<PGconn, Finish>;
struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};

struct Drained {
  std::int64_t rows = 0, bytes = 0;
};

void send(PGconn* connection, const std::string& text, bool binary) {
  if (!PQsendQueryParams(connection, text.c_str(), 0, nullptr, nullptr, nullptr, nullptr, binary ? 1 : 0))
    throw std::runtime_error(PQerrorMessage(connection));
}

// The rows as the server counts them at the end: "SELECT 5000000".
std::int64_t told_rows(std::string_view tail) {
  constexpr std::string_view kTag = "SELECT ";
  const auto at = tail.rfind(kTag);
  std::int64_t rows = 0;
  if (at == tail.npos) throw std::runtime_error("the answer does not end as that of a SELECT");
  std::from_chars(tail.data() + at + kTag.size(), tail.data() + tail.size(), rows);
  return rows;
}

Drained raw(PGconn* connection, const std::string& text, bool binary) {
  send(connection, text, binary);
  const int socket = PQsocket(connection);
  if (setsockopt(socket, SOL_SOCKET, SO_RCVLOWAT, &kLowWater, sizeof kLowWater) != 0)
    throw std::runtime_error("SO_RCVLOWAT is refused");
  std::vector<char> room(kRoom);
  Drained drained;
  std::string tail;  // the last bytes, across reads
  for (;;) {
    pollfd waiting{socket, POLLIN, 0};
    poll(&waiting, 1, kTailWaitMs);
    const auto size = recv(socket, room.data(), room.size(), MSG_DONTWAIT);
    if (size == 0) throw std::runtime_error("the server closed the connection");
    if (size < 0 && errno != EAGAIN) throw std::runtime_error("the connection was lost");
    if (size < 0) {
      if (tail.ends_with(kReady)) break;
      continue;
    }
    drained.bytes += size;
    const std::size_t kept = std::min<std::size_t>(64, static_cast<std::size_t>(size));
    tail = (tail + std::string{room.data() + size - kept, kept});
    tail.erase(0, tail.size() > 64 ? tail.size() - 64 : 0);
  }
  drained.rows = told_rows(tail);
  return drained;
}

Drained single_rows(PGconn* connection, const std::string& text, bool binary) {
  send(connection, text, binary);
  if (!PQsetSingleRowMode(connection)) throw std::runtime_error("single-row mode is refused");
  Drained drained;
  while (const std::unique_ptr<PGresult, Clear> result{PQgetResult(connection)}) {
    if (PQresultStatus(result.get()) == PGRES_TUPLES_OK) continue;
    if (PQresultStatus(result.get()) != PGRES_SINGLE_TUPLE) throw std::runtime_error(PQerrorMessage(connection));
    for (int i = 0; i < PQnfields(result.get()); ++i) drained.bytes += PQgetlength(result.get(), 0, i);
    ++drained.rows;
  }
  return drained;
}

}  // namespace

int main(int argc, char** argv) {
  std::string how, conninfo, text;
  bool binary = false;
  CLI::App app{"Takes all rows of a SELECT and drops them."};
  app.add_option("how", how)->required()->check(CLI::IsMember({"raw", "libpq"}));
  app.add_option("--conninfo", conninfo, "in libpq's words")->required();
  app.add_option("--select", text)->required();
  app.add_flag("--binary", binary, "the binary format");
  CLI11_PARSE(app, argc, argv);
  try {
    const Connection connection{PQconnectdb(conninfo.c_str())};
    if (PQstatus(connection.get()) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(connection.get()));
    const auto start = Steady::now();
    const double cpu = bench::cpu_seconds();
    const auto drained = (how == "raw" ? raw : single_rows)(connection.get(), text, binary);
    const double seconds = std::chrono::duration<double>{Steady::now() - start}.count();
    const Json report{{"rows", drained.rows},
                      {"seconds", seconds},
                      {"cpu_seconds", bench::cpu_seconds() - cpu},
                      {"peak_mb", bench::peak_mb()},
                      {"bytes", drained.bytes}};
    std::cout << report.dump() << "\n";
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "bench_drain: " << error.what() << "\n";
    return 1;
  }
}
