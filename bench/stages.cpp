// The stages of the pipeline one by one, on the same tables: extract (PostgreSQL to sealed chunks), transform (sealed chunks
// through the script child to sealed chunks), load (sealed chunks to PostgreSQL), digest (what the proof adds to each row).
// Chunks stand in a folder between the stages. CPU is of this process and its children, the database excluded.
// Prints one JSON object; pipeline.py drives it. The password is in PGPASSWORD.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>

#include "activities/row_digest.hpp"
#include "bench/measure.hpp"
#include "core/allocator.hpp"
#include "core/json.hpp"
#include "crypto/hash.hpp"
#include "data/chunk.hpp"
#include "data/seal.hpp"
#include "script/sandbox.hpp"
#include "sources/source.hpp"

namespace {

using namespace vmc;
using bench::cpu_seconds, bench::must;

struct Options {
  std::uint16_t port = 0;
  std::string user, from, to, table, key, script, folder;
};

// Sealed chunks in a folder, written and read in order.
class Chunks {
 public:
  Chunks(std::filesystem::path folder, Bytes key) : folder_{std::move(folder)}, key_{std::move(key)} {
    std::filesystem::create_directories(folder_);
  }
  void write(const data::Batch& batch) {
    const auto sealed = data::seal_chunk(key_, label(count_), data::encode(batch));
    std::ofstream out{file(count_), std::ios::binary};
    out.write(reinterpret_cast<const char*>(sealed.data()), static_cast<std::streamsize>(sealed.size()));
    if (!out.flush()) throw std::runtime_error("cannot write a chunk");
    ++count_;
    rows_ += static_cast<std::int64_t>(batch.rows);
  }
  data::Batch read(std::uint32_t index) const {
    std::ifstream in{file(index), std::ios::binary};
    const Bytes sealed{std::istreambuf_iterator<char>{in}, {}};
    return must(data::decode(must(data::open_chunk(key_, label(index), sealed))));
  }
  std::uint32_t count() const { return count_; }
  std::int64_t rows() const { return rows_; }

 private:
  std::filesystem::path file(std::uint32_t index) const { return folder_ / std::to_string(index); }
  static data::ChunkLabel label(std::uint32_t index) {
    data::ChunkLabel label;
    label.command = "bench";
    label.index = index;
    return label;
  }
  std::filesystem::path folder_;
  Bytes key_;
  std::uint32_t count_ = 0;
  std::int64_t rows_ = 0;
};

class Stages {
 public:
  explicit Stages(const Options& options)
      : options_{options},
        key_{crypto::random_bytes(32)},
        extracted_{std::filesystem::path{options.folder} / "extracted", key_},
        shaped_{std::filesystem::path{options.folder} / "shaped", key_} {}

  Json run() {
    Json report;
    const auto stage = [&](const char* name, const std::function<void()>& work) {
      const auto start = Steady::now();
      const double cpu = cpu_seconds();
      work();
      const double seconds = std::chrono::duration<double>{Steady::now() - start}.count();
      report[name] = {{"rows", extracted_.rows()}, {"seconds", seconds}, {"cpu_seconds", cpu_seconds() - cpu}};
    };
    stage("extract", [&] { extract(); });
    stage("transform", [&] { transform(); });
    stage("load", [&] { load(); });
    stage("digest", [&] { digest(); });
    return report;
  }

 private:
  std::unique_ptr<sources::Session> open(const std::string& database, sources::Access access) const {
    sources::ServerSettings settings;
    settings.host = "127.0.0.1";
    settings.port = options_.port;
    settings.database = database;
    settings.user = options_.user;
    settings.sslmode = "disable";
    settings.password = [] { return Result<crypto::Secret>{crypto::Secret{as_bytes(std::string_view{std::getenv("PGPASSWORD")})}}; };
    return must(sources::make_postgres_source(std::move(settings))->open(access, std::chrono::seconds{10}));
  }
  data::TableInfo table(sources::Session& session) const {
    const auto schema = must(session.discover());
    const auto* found = schema.table(options_.table);
    if (!found) throw std::runtime_error("there is no table " + options_.table);
    return *found;
  }
  static std::vector<std::string> names(const data::TableInfo& table) {
    std::vector<std::string> out;
    for (const auto& column : table.columns) out.push_back(column.name);
    return out;
  }

  void extract() {
    auto session = open(options_.from, sources::Access::read);
    const auto source = table(*session);
    data::Intent intent;
    intent.table = source.name;
    intent.columns = names(source);
    const auto keep = [&](data::Batch batch) -> Result<void> {
      extracted_.write(batch);
      return {};
    };
    must(session->read(intent, source, {std::chrono::hours{1}}, keep));
  }

  void transform() {
    auto session = open(options_.to, sources::Access::load);
    destination_ = table(*session);
    auto type = std::make_shared<data::RowType>();
    for (const auto& column : destination_.columns) type->push_back({column.name, column.type, column.nullable});
    shaped_type_ = type;
    asio::io_context loop{1};
    std::exception_ptr failed;
    asio::co_spawn(loop, shape(loop), [&](std::exception_ptr error) { failed = error; });
    loop.run();
    if (failed) std::rethrow_exception(failed);
  }

  awaitable<void> shape(asio::io_context& loop) {
    Pool cpu{"cpu", 1};
    auto sandbox = script::make_sandbox(loop, cpu);
    script::Script script;
    script.name = "shape";
    std::ifstream in{options_.script};
    script.source.assign(std::istreambuf_iterator<char>{in}, {});
    script.output = shaped_type_;
    must(co_await sandbox->load(std::move(script)));
    for (std::uint32_t index = 0; index < extracted_.count(); ++index) {
      auto batch = extracted_.read(index);
      auto output = must(co_await sandbox->run(std::move(batch)));
      if (!output.refused.empty()) throw std::runtime_error("a row was refused: " + output.refused.front().reason);
      shaped_.write(output.batch);
    }
  }

  void load() {
    auto session = open(options_.to, sources::Access::load);
    sources::LoadRequest request;
    request.table = destination_.name;
    request.key = {options_.key};
    request.columns = shaped_type_;
    request.applied_scope = "bench";
    request.timeout = std::chrono::hours{1};
    std::uint32_t next = 0;
    const auto feed = [&]() -> Result<std::optional<data::Batch>> {
      if (next == shaped_.count()) return std::nullopt;
      return shaped_.read(next++);
    };
    must(session->load(request, destination_, feed));
  }

  void digest() {
    activities::RowDigest sum{std::string(32, '0')};
    for (std::uint32_t index = 0; index < shaped_.count(); ++index) sum.add(shaped_.read(index));
    if (sum.rows() != extracted_.rows()) throw std::runtime_error("rows were lost between the stages");
  }

  Options options_;
  Bytes key_;
  Chunks extracted_, shaped_;
  data::TableInfo destination_;
  data::RowTypePtr shaped_type_;
};

}  // namespace

int main(int argc, char** argv) {
  tune_allocator();
  if (argc > 1 && argv[1] == script::kChildArgument) return script::child_main();
  Options options;
  CLI::App app{"The pipeline's stages one by one; the password is in PGPASSWORD."};
  app.add_option("--port", options.port)->required();
  app.add_option("--user", options.user)->required();
  app.add_option("--from", options.from, "database to read")->required();
  app.add_option("--to", options.to, "database to load")->required();
  app.add_option("--table", options.table, "its name in both")->required();
  app.add_option("--key", options.key, "its key")->required();
  app.add_option("--script", options.script, "file with the transform")->required();
  app.add_option("--folder", options.folder, "for the chunks")->required();
  CLI11_PARSE(app, argc, argv);
  try {
    std::cout << Stages{options}.run().dump(1) << "\n";
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "bench_stages: " << error.what() << "\n";
    return 1;
  }
}
