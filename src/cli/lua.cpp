// lua: run a script in the sandbox on rows from a file.
#include <algorithm>

#include <fmt/format.h>

#include "cli/session.hpp"
#include "core/async.hpp"
#include "core/offload.hpp"
#include "core/text.hpp"
#include "script/sandbox.hpp"

namespace vmc::cli {
namespace {

constexpr std::size_t kScriptBytesMax = 256u << 10;
constexpr std::size_t kInputBytesMax = 1u << 30;
constexpr std::size_t kLinesBytes = 1u << 20;  // fed to the script at a time

struct LuaRun {
  std::string file, input, memory = "64MB", cpu = "1s", time = "2s";
};

struct Totals {
  std::int64_t rows_in = 0, rows_out = 0, refused = 0;
};

Result<script::ScriptLimits> limits_of(const LuaRun& run) {
  script::ScriptLimits limits;
  const auto memory = parse_size(run.memory);
  const auto cpu = parse_duration(run.cpu), wall = parse_duration(run.time);
  if (!memory) return fail(Code::invalid_request, "--memory is not a size", "Write it like 64MB.");
  if (!cpu) return fail(Code::invalid_request, "--cpu is not a duration", "Write it like 1s or 500ms.");
  if (!wall) return fail(Code::invalid_request, "--time is not a duration", "Write it like 2s.");
  limits.memory_bytes = *memory;
  limits.cpu = *cpu;
  limits.wall = *wall;
  return limits;
}

awaitable<Result<Totals>> run_script(asio::io_context& loop, Pool& pool, script::Script script,
                                     std::string input) {
  auto sandbox = script::make_sandbox(loop, pool);
  auto entry = co_await sandbox->load(std::move(script));
  if (!entry) co_return entry.error();
  Totals totals;
  for (std::size_t at = 0; at < input.size();) {
    auto end = std::min(at + kLinesBytes, input.size());
    if (end < input.size()) {
      const auto newline = input.find('\n', end);
      end = newline == std::string::npos ? input.size() : newline + 1;
    }
    auto lines = input.substr(at, end - at);
    totals.rows_in += std::count(lines.begin(), lines.end(), '\n') + (lines.back() == '\n' ? 0 : 1);
    auto out = co_await sandbox->run_lines(std::move(lines));
    if (!out) co_return out.error();
    fmt::print("{}", out->text);
    for (const auto& line : out->log) say(line);
    for (const auto& error : out->refused)
      say(fmt::format("row {}: {}{}{}", static_cast<std::int64_t>(error.row) + 1, error.column,
                      error.column.empty() ? "" : ": ", error.reason));
    totals.rows_out += out->rows;
    totals.refused += static_cast<std::int64_t>(out->refused.size());
    at = end;
  }
  co_return totals;
}

}  // namespace

void add_lua(CLI::App& root, Session& session) {
  auto* noun = add_noun(root, "lua", "Lua scripts: run them in the sandbox");
  auto options = std::make_shared<LuaRun>();
  auto* verb =
      add_verb(*noun, session, "run", "Run a script on rows: NDJSON in, NDJSON out",
               [&session, options]() -> Result<int> {
                 script::Script script;
                 VMC_TRY(limits, limits_of(*options));
                 script.limits = limits;
                 script.name = options->file;
                 VMC_TRY(source, read_text_file(options->file, kScriptBytesMax));
                 script.source = std::move(source);
                 VMC_TRY(input, read_text_file(options->input, kInputBytesMax));
                 Pool pool{"cpu", 1};
                 asio::io_context loop{1};
                 std::optional<Result<Totals>> totals;
                 std::exception_ptr broken;
                 auto work = [&]() -> awaitable<void> {
                   totals = co_await run_script(loop, pool, std::move(script), std::move(input));
                 };
                 asio::co_spawn(loop, work, [&](std::exception_ptr error) { broken = error; });
                 loop.run();
                 if (broken) std::rethrow_exception(broken);
                 if (!*totals) return totals->error();
                 const Totals& t = **totals;
                 if (session.json)
                   say(Json{{"rowsIn", t.rows_in}, {"rowsOut", t.rows_out}, {"refused", t.refused}}.dump());
                 else
                   say(fmt::format("{} rows in, {} out, {} refused", t.rows_in, t.rows_out, t.refused));
                 return t.refused == 0 ? 0 : info(Code::script_error).exit_code;
               });
  verb->add_option("file", options->file,
                   "the script: transform(row, ctx), transform_batch(rows, ctx) or filter(row, ctx)")
      ->required();
  verb->add_option("--input", options->input, "rows, one JSON object a line")->required()->type_name("FILE");
  verb->add_option("--memory", options->memory, "memory limit (default: 64MB)")->type_name("SIZE");
  verb->add_option("--cpu", options->cpu, "CPU time limit of each batch (default: 1s)")->type_name("TIME");
  verb->add_option("--time", options->time, "wall clock limit of each batch (default: 2s)")
      ->type_name("TIME");
}

}  // namespace vmc::cli
