// A sandbox on a loop that a test turns by hand.
#pragma once

#include <catch2/catch.hpp>

#include <optional>
#include <string>

#include "data/value.hpp"
#include "script/sandbox.hpp"

namespace Catch {
template <class T>
struct StringMaker<boost::system::result<T, vmc::Error>, void> {
  static std::string convert(const boost::system::result<T, vmc::Error>& result) {
    return result ? "a value" : result.error().text();
  }
};
}  // namespace Catch

namespace vmc::script::test {

struct Harness {
  asio::io_context loop;
  Pool cpu{"cpu", 1};
  std::unique_ptr<Sandbox> sandbox = make_sandbox(loop, cpu);

  template <class T>
  T wait(awaitable<T> work) {
    std::optional<T> out;
    auto done = [&out](std::exception_ptr error, T value) {
      if (error) std::rethrow_exception(error);
      out.emplace(std::move(value));
    };
    asio::co_spawn(loop, std::move(work), done);
    loop.restart();
    loop.run();
    return std::move(*out);
  }

  Result<Entry> load(std::string source, data::RowTypePtr output = nullptr, ScriptLimits limits = {}) {
    Script script;
    script.name = "shape";
    script.source = std::move(source);
    script.output = std::move(output);
    script.limits = limits;
    return wait(sandbox->load(std::move(script)));
  }
  Result<ScriptOutput> run(data::Batch batch) { return wait(sandbox->run(std::move(batch))); }
  Result<Sandbox::Lines> lines(std::string text) { return wait(sandbox->run_lines(std::move(text))); }
};

inline data::RowTypePtr row_type(data::RowType fields) {
  return std::make_shared<const data::RowType>(std::move(fields));
}

inline data::Batch make_batch(const data::RowTypePtr& type,
                              const std::vector<std::vector<data::Value>>& rows) {
  data::BatchBuilder builder{type};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const auto added = data::append(builder.column(i), row[i]);
      REQUIRE(added);
    }
    builder.end_row();
  }
  return builder.finish();
}

// One int64 column "n" with 1, 2, … rows.
inline data::Batch numbers(std::int64_t rows) {
  std::vector<std::vector<data::Value>> values;
  for (std::int64_t i = 1; i <= rows; ++i) values.push_back({i});
  return make_batch(row_type({{"n", {data::Kind::int64}}}), values);
}

inline const data::RowTypePtr& text_output() {
  static const auto type = row_type({{"out", {data::Kind::text}}});
  return type;
}

// What tostring() gives for an expression of Lua, or "error: reason".
inline std::string evaluate(const std::string& expression, const std::string& before = "") {
  Harness harness;
  const auto loaded = harness.load(
      before + "\nfunction transform(row) return {out = tostring(" + expression + ")} end", text_output());
  if (!loaded) return loaded.error().text();
  const auto output = harness.run(numbers(1));
  if (!output) return output.error().text();
  if (!output->refused.empty()) return "error: " + output->refused[0].reason;
  return std::string{output->batch.columns[0].text(0)};
}

inline std::vector<std::string> evaluate_all(const std::vector<std::string>& expressions,
                                             const std::string& before = "") {
  std::string source = before + "\nlocal tests = {\n";
  for (const auto& expression : expressions) source += "function() return " + expression + " end,\n";
  source +=
      "}\nfunction transform(row)\n"
      "  local ok, value = pcall(tests[row.n])\n"
      "  return {out = ok and tostring(value) or 'error: ' .. tostring(value)}\n"
      "end";
  Harness harness;
  const auto loaded = harness.load(source, text_output());
  if (!loaded) FAIL(loaded.error().text());
  const auto output = harness.run(numbers(static_cast<std::int64_t>(expressions.size())));
  if (!output) FAIL(output.error().text());
  for (const auto& error : output->refused) FAIL(error.reason);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < output->batch.rows; ++i) out.emplace_back(output->batch.columns[0].text(i));
  return out;
}

}  // namespace vmc::script::test
