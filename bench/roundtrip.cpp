// A small query's round trip (API, durable command, agent, SQLite, answer) beside its floors: a bare TLS echo of as
// many bytes, fdatasync of 4 KiB (appended to a log, and written in place), and a wake-up between two processes that
// tells whether the machine was quiet. They take turns in blocks, so that drift strikes all alike and none disturbs
// another. Prints one JSON object; roundtrip.py drives it.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <thread>

#include "core/async.hpp"
#include "core/json.hpp"
#include "net/client.hpp"
#include "tls_echo.hpp"

namespace {

using namespace vmc;
using Micro = std::chrono::duration<double, std::micro>;

constexpr auto kTimeout = std::chrono::seconds{30};
constexpr int kBlock = 20;   // rounds of one kind before the next kind has its turn
constexpr int kWarmUp = 20;  // rounds that are not counted
constexpr auto kSettle = std::chrono::milliseconds{50};  // until the product has written what it owes after its answers
constexpr std::size_t kPage = 4096;

struct Options {
  std::string url, authority, certificate, key, connector, body, folder;
  int rounds = 2000;
};

// A process that answers one byte with one byte.
class WakeUp {
 public:
  WakeUp() {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_) != 0) throw std::runtime_error("socketpair");
    child_ = fork();
    if (child_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      char byte;
      while (read(ends_[1], &byte, 1) == 1 && write(ends_[1], &byte, 1) == 1) {
      }
      _exit(0);
    }
  }
  ~WakeUp() {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
    close(ends_[0]);
    close(ends_[1]);
  }
  void round() {
    char byte = 'x';
    if (write(ends_[0], &byte, 1) != 1 || read(ends_[0], &byte, 1) != 1) throw std::runtime_error("wake-up probe");
  }

 private:
  int ends_[2];
  pid_t child_ = -1;
};

// Makes a page durable: at the end of a log that grows, or in place of one that was written before.
class Disk {
 public:
  enum class Where { append, overwrite };

  Disk(const std::string& folder, Where where)
      : path_{folder + (where == Where::append ? "/append.probe" : "/overwrite.probe")},
        pages_{where == Where::append ? SIZE_MAX : kPages} {
    file_ = open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const std::string zeros(where == Where::append ? 0 : kPages * kPage, '\0');
    if (file_ < 0 || pwrite(file_, zeros.data(), zeros.size(), 0) != static_cast<ssize_t>(zeros.size()) || fsync(file_) != 0)
      throw std::runtime_error("cannot write " + path_);
  }
  ~Disk() {
    close(file_);
    unlink(path_.c_str());
  }
  void round() {
    const std::string page(kPage, static_cast<char>('a' + next_ % 26));
    const auto at = static_cast<off_t>(next_++ % pages_ * kPage);
    if (pwrite(file_, page.data(), kPage, at) != static_cast<ssize_t>(kPage) || fdatasync(file_) != 0)
      throw std::runtime_error("fdatasync");
  }

 private:
  static constexpr std::size_t kPages = 256;
  std::string path_;
  std::size_t pages_;
  int file_ = -1;
  std::size_t next_ = 0;
};

template <class F>
double timed(F work) {
  const auto start = Steady::now();
  work();
  return Micro{Steady::now() - start}.count();
}

Json figures(std::vector<double> micros) {
  std::sort(micros.begin(), micros.end());
  const auto at = [&](double part) { return micros[static_cast<std::size_t>(part * static_cast<double>(micros.size() - 1))]; };
  return {{"p50_us", at(0.5)}, {"p90_us", at(0.9)}, {"p99_us", at(0.99)}};
}

class Bench {
 public:
  explicit Bench(Options options)
      : options_{std::move(options)},
        echo_{options_.certificate, options_.key},
        append_{options_.folder, Disk::Where::append},
        overwrite_{options_.folder, Disk::Where::overwrite} {}

  awaitable<void> run(asio::io_context& loop) {
    net::ClientTls trust;
    trust.authority_file = options_.authority;
    auto address = net::parse_address(options_.url);
    auto tls = net::make_client_tls(trust);
    if (!address || !tls) throw std::runtime_error((address ? tls.error() : address.error()).text());
    auto http = net::make_http_client(loop, *address, *tls);
    for (int done = -kWarmUp; done < options_.rounds; done += kBlock) {
      const bool counts = done >= 0;
      std::size_t bytes = options_.body.size();
      std::vector<double> queries;
      for (int i = 0; i < kBlock; ++i) {
        const auto start = Steady::now();
        auto response = co_await http->send(query_request(), kTimeout);
        queries.push_back(Micro{Steady::now() - start}.count());
        if (!response) throw std::runtime_error(response.error().text());
        if (response->status != 200) throw std::runtime_error("HTTP " + std::to_string(response->status));
        bytes = std::max(bytes, response->body.size());
      }
      std::this_thread::sleep_for(kSettle);
      const auto add = [&](std::vector<double>& to, const auto& work) {
        for (int i = 0; i < kBlock; ++i)
          if (const double took = timed(work); counts) to.push_back(took);
      };
      if (counts) query_.insert(query_.end(), queries.begin(), queries.end());
      add(echoes_, [&] { echo_.round(bytes); });
      add(appends_, [&] { append_.round(); });
      add(overwrites_, [&] { overwrite_.round(); });
      add(wakes_, [&] { wake_.round(); });
    }
  }

  Json report() const {
    return {{"query", figures(query_)},
            {"echo", figures(echoes_)},
            {"fdatasync", figures(appends_)},
            {"fdatasync_in_place", figures(overwrites_)},
            {"wake_up", figures(wakes_)}};
  }

 private:
  net::Request query_request() const {
    net::Request request;
    request.method = "POST";
    request.path = "/api/v1/connectors/" + options_.connector + "/query";
    request.headers.emplace_back("Authorization", std::string{"Bearer "} + std::getenv("VMC_TOKEN"));
    request.headers.emplace_back("Content-Type", "application/json");
    request.body.assign(options_.body.begin(), options_.body.end());
    return request;
  }

  Options options_;
  vmc::bench::TlsEcho echo_;
  Disk append_, overwrite_;
  WakeUp wake_;
  std::vector<double> query_, echoes_, appends_, overwrites_, wakes_;
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"Round trip of a small query beside its floors; the token is in VMC_TOKEN."};
  app.add_option("--url", options.url)->required();
  app.add_option("--ca", options.authority)->required();
  app.add_option("--certificate", options.certificate, "of the echo server")->required();
  app.add_option("--key", options.key, "of the echo server")->required();
  app.add_option("--connector", options.connector)->required();
  app.add_option("--body", options.body, "of the query request")->required();
  app.add_option("--folder", options.folder, "where fdatasync is measured")->required();
  app.add_option("--rounds", options.rounds);
  CLI11_PARSE(app, argc, argv);
  try {
    Bench bench{options};
    asio::io_context loop{1};
    std::exception_ptr failed;
    asio::co_spawn(loop, bench.run(loop), [&](std::exception_ptr error) { failed = error; });
    loop.run();
    if (failed) std::rethrow_exception(failed);
    std::cout << bench.report().dump(1) << "\n";
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "bench_roundtrip: " << error.what() << "\n";
    return 1;
  }
}
