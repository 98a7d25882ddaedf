// The Lua sandbox, seen from outside: one child process of this same binary that holds nothing and can do
// nothing (seccomp, no network, no files, resource limits), fed with batches over a socket pair. Its answers
// are read as hostile input. One child serves one script of one tenant; every load() starts
// another (about 5 ms).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/async.hpp"
#include "core/offload.hpp"
#include "core/result.hpp"
#include "data/batch.hpp"
#include "data/cast.hpp"

namespace vmc::script {

struct ScriptLimits {
  std::size_t memory_bytes = 64u << 20;        // of the Lua state
  Duration cpu = std::chrono::seconds{10};     // of one call over one batch
  Duration wall = std::chrono::seconds{20};    // of one call over one batch; then SIGKILL
  std::uint64_t instructions = 2'000'000'000;  // of one call over one batch
  std::size_t output_bytes = 64u << 20;        // of one call's rows, before compression
  std::size_t log_lines = 100;
};

enum class Entry { transform, transform_batch, filter };  // detected from the script when loaded

struct Script {
  std::string name;                 // for messages: "shape" or a file name
  std::string source;               // text only; bytecode is refused
  data::RowTypePtr output;          // column types the rows must have; null: see run_lines()
  std::string context_json = "{}";  // the ctx table
  ScriptLimits limits;
};

struct ScriptOutput {
  data::Batch batch;                    // in Script::output's types
  std::vector<data::RowError> refused;  // rows that failed, by input row, with line and reason
  std::vector<std::string> log;         // vmc.log lines
};

class Sandbox {
 public:
  virtual ~Sandbox() = default;
  // Starts a fresh state with this script. SCRIPT_ERROR with line for a syntax error or no entry function.
  virtual awaitable<Result<Entry>> load(Script script) = 0;
  // Feeds one batch of at most 64 MiB. A failing row is refused, not fatal; SCRIPT_LIMIT (which limit) and a
  // child that dies are errors, after which load() starts a new child; so does a cancelled call. A
  // transform_batch that fails as a whole is SCRIPT_ERROR and leaves the script loaded. A filter's output has
  // the columns of its input and needs no Script::output. One call at a time (CONFLICT).
  virtual awaitable<Result<ScriptOutput>> run(data::Batch batch) = 0;
  // The same for NDJSON text of at most 64 MiB: every line an object in, objects out (int64 and decimals kept
  // exact; a key that becomes nil disappears). Refused rows count lines from 0. What a script keeps in its
  // locals lives from call to call, so a long text may be fed in pieces.
  struct Lines {
    std::string text;
    std::vector<data::RowError> refused;
    std::vector<std::string> log;
    std::int64_t rows = 0;
  };
  virtual awaitable<Result<Lines>> run_lines(std::string ndjson) = 0;
};

// `binary`: this program ("/proc/self/exe"). Nothing is started before the first load(). `cpu` is where
// batches are encoded and answers are checked; the script itself never runs there.
std::unique_ptr<Sandbox> make_sandbox(asio::io_context& loop, Pool& cpu,
                                      std::string binary = "/proc/self/exe");

// The child's whole life; main dispatches here first, when argv[1] is kChildArgument. Returns an exit code.
inline constexpr std::string_view kChildArgument = "__script-child";
int child_main();

}  // namespace vmc::script
