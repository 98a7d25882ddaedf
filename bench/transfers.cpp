// What the agent does between a database and the gateway's buffer, by its own ChunkSender and ChunkReceiver: a table
// is read into batches that are dropped ("batches") or into sealed chunks ("chunks"), or sealed chunks are loaded into
// a table ("insert", "upsert"). Chunks go to a folder or to nowhere; the gateway itself is not measured here.
// Prints one JSON object; read.py and load.py drive it. The password is in VMC_BENCH_PASSWORD.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "agent/transfers.hpp"
#include "bench/measure.hpp"
#include "core/allocator.hpp"
#include "core/json.hpp"

namespace {

using namespace vmc;
using bench::must;

struct Options {
  std::string work, type, user, database, table, key, folder;
  std::uint16_t port = 0;
  std::int64_t rows = 0;
};

constexpr auto kTimeout = std::chrono::hours{1};

// The buffer of a gateway that is not there: a folder, or nothing.
class Folder final : public agent::ChunkBuffer {
 public:
  explicit Folder(std::filesystem::path folder) : folder_{std::move(folder)} {}
  Result<std::pair<std::string, std::string>> tenant_and_connector() const override {
    return std::pair<std::string, std::string>{"bench", "bench"};
  }
  awaitable<Result<void>> upload(std::string, data::ChunkLabel label, Bytes sealed, Micros) override {
    bytes_ += static_cast<std::int64_t>(sealed.size());
    if (!folder_.empty()) write(label.index, sealed);
    co_return Result<void>{};
  }
  awaitable<Result<Bytes>> download(wire::Input, std::string, std::int64_t index, Micros) override {
    std::ifstream in{folder_ / std::to_string(index), std::ios::binary};
    Bytes sealed(std::filesystem::file_size(folder_ / std::to_string(index)));
    in.read(reinterpret_cast<char*>(sealed.data()), static_cast<std::streamsize>(sealed.size()));
    bytes_ += static_cast<std::int64_t>(sealed.size());
    co_return sealed;
  }
  std::int64_t bytes() const { return bytes_; }
  std::int64_t count() const {
    return std::distance(std::filesystem::directory_iterator{folder_}, std::filesystem::directory_iterator{});
  }

 private:
  void write(std::uint32_t index, const Bytes& sealed) const {
    std::ofstream out{folder_ / std::to_string(index), std::ios::binary};
    out.write(reinterpret_cast<const char*>(sealed.data()), static_cast<std::streamsize>(sealed.size()));
    if (!out.flush()) throw std::runtime_error("cannot write a chunk");
  }
  std::filesystem::path folder_;
  std::int64_t bytes_ = 0;
};

class Transfers {
 public:
  explicit Transfers(const Options& options) : options_{options}, buffer_{options.folder} {
    sources::PoolSettings settings;
    settings.min = settings.max = 1;
    pool_ = sources::make_source_pool(loop_, source(), settings);
    command_.command_id = "bench";
    command_.data_key = Bytes(32, 7);
    command_.payload.expires_at = INT64_MAX;
  }

  Json run() {
    std::exception_ptr failed;
    asio::co_spawn(loop_, measure(), [&](std::exception_ptr error) { failed = error; });
    loop_.run();
    if (failed) std::rethrow_exception(failed);
    return report_;
  }

 private:
  std::unique_ptr<sources::Source> source() const {
    sources::ServerSettings settings;
    settings.host = "127.0.0.1";
    settings.port = options_.port;
    settings.database = options_.database;
    settings.user = options_.user;
    settings.sslmode = "disable";
    settings.password = [] {
      const char* word = std::getenv("VMC_BENCH_PASSWORD");
      return Result<crypto::Secret>{crypto::Secret{as_bytes(std::string_view{word ? word : ""})}};
    };
    return options_.type == "mysql" ? sources::make_mysql_source(std::move(settings))
                                    : sources::make_postgres_source(std::move(settings));
  }

  awaitable<void> measure() {
    auto look = [this](sources::Session& session) { return describe(session); };
    must(co_await pool_->use(access(), look));
    const auto start = Steady::now();
    const double cpu = bench::cpu_seconds();
    std::int64_t rows = 0;
    if (options_.work == "batches") {
      rows = co_await batches();
    } else if (options_.work == "chunks") {
      rows = co_await chunks();
    } else {
      rows = co_await load();
    }
    const double seconds = std::chrono::duration<double>{Steady::now() - start}.count();
    co_await pool_->close();
    report_ = {{"rows", rows},
               {"seconds", seconds},
               {"cpu_seconds", bench::cpu_seconds() - cpu},
               {"peak_mb", bench::peak_mb()},
               {"bytes", bytes_ + buffer_.bytes()}};
  }

  sources::Access access() const {
    const bool reads = options_.work == "batches" || options_.work == "chunks";
    return reads ? sources::Access::read : sources::Access::load;
  }

  Result<void> describe(sources::Session& session) {
    VMC_TRY(schema, session.discover());
    const auto* found = schema.table(options_.table);
    if (!found) return fail(Code::invalid_request, "there is no table " + options_.table);
    table_ = *found;
    intent_.table = table_.name;
    if (options_.rows > 0) intent_.limit = options_.rows;
    for (const auto& column : table_.columns) intent_.columns.push_back(column.name);
    return {};
  }

  awaitable<std::int64_t> batches() {
    std::int64_t rows = 0;
    const auto count = [&](const data::Batch& batch) -> Result<void> {
      rows += static_cast<std::int64_t>(batch.rows);
      bytes_ += static_cast<std::int64_t>(batch.bytes());
      return {};
    };
    auto read = [&](sources::Session& session) { return session.read(intent_, table_, {kTimeout}, count); };
    must(co_await pool_->use(sources::Access::read, read));
    co_return rows;
  }

  awaitable<std::int64_t> chunks() {
    agent::ChunkSender sender{loop_, buffer_, cpu_, command_};
    auto read = [&](sources::Session& session) {
      const auto take = [&](data::Batch batch) { return sender.take(std::move(batch)); };
      auto done = session.read(intent_, table_, {kTimeout}, take);
      sender.end_of_rows();
      return done;
    };
    const auto sent = must(co_await sender.run(*pool_, read, intent_, table_));
    co_return sent.rows;
  }

  awaitable<std::int64_t> load() {
    wire::Input input;
    input.chunks = buffer_.count();
    input.data_key = command_.data_key;
    input.label_command = command_.command_id;
    input.label_connector = "bench";
    input.label_epoch = command_.attempt_epoch;
    command_.input = std::move(input);
    sources::LoadRequest request;
    request.table = table_.name;
    request.mode = options_.work == "insert" ? sources::LoadRequest::Mode::insert : sources::LoadRequest::Mode::upsert;
    if (options_.work == "upsert") request.key = {options_.key};
    request.columns = must(agent::row_type_of(table_, intent_.columns));
    request.applied_scope = "bench" + to_hex(crypto::random_bytes(8));  // each run is a load of its own
    request.timeout = kTimeout;
    std::int64_t rows = 0;
    agent::ChunkReceiver receiver{loop_, buffer_, cpu_, command_};
    auto work = [&](sources::Session& session) -> Result<void> {
      const auto next = [&] { return receiver.next(); };
      VMC_TRY(loaded, session.load(request, table_, next));
      rows = loaded.rows;
      return {};
    };
    must(co_await receiver.run(*pool_, sources::Access::load, work));
    co_return rows;
  }

  Options options_;
  asio::io_context loop_{1};
  Pool cpu_{"cpu", 2};
  Folder buffer_;
  std::unique_ptr<sources::SourcePool> pool_;
  wire::Command command_;
  data::TableInfo table_;
  data::Intent intent_;
  std::int64_t bytes_ = 0;
  Json report_;
};

}  // namespace

int main(int argc, char** argv) {
  tune_allocator();
  Options options;
  CLI::App app{"A table through the agent's transfers; the password is in VMC_BENCH_PASSWORD."};
  app.add_option("work", options.work)->required()->check(CLI::IsMember({"batches", "chunks", "insert", "upsert"}));
  app.add_option("--type", options.type)->required()->check(CLI::IsMember({"postgres", "mysql"}));
  app.add_option("--port", options.port)->required();
  app.add_option("--user", options.user)->required();
  app.add_option("--database", options.database)->required();
  app.add_option("--table", options.table)->required();
  app.add_option("--rows", options.rows, "read no more than these");
  app.add_option("--key", options.key, "of an upsert");
  app.add_option("--folder", options.folder, "of chunks: filled by chunks, read by insert and upsert");
  CLI11_PARSE(app, argc, argv);
  try {
    if (!options.folder.empty()) std::filesystem::create_directories(options.folder);
    std::cout << Transfers{options}.run().dump() << "\n";
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "bench_transfers: " << error.what() << "\n";
    return 1;
  }
}
