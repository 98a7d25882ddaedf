// Scripts that want out, or want everything. Each must end with a clear error, soon, and leave the sandbox
// usable.
#include "harness.hpp"

namespace vmc::script::test {
namespace {

ScriptLimits tight() {
  ScriptLimits limits;
  limits.memory_bytes = 16u << 20;
  limits.cpu = std::chrono::milliseconds{300};
  limits.wall = std::chrono::seconds{20};
  limits.output_bytes = 1u << 20;
  return limits;
}

// Runs the body as transform(row) and expects it to be stopped by the limit whose name is given.
void is_stopped(const std::string& body, const std::string& limit, ScriptLimits limits = tight()) {
  INFO(body);
  Harness harness;
  REQUIRE(harness.load("function transform(row) " + body + " end", text_output(), limits));
  const auto output = harness.run(numbers(2));
  REQUIRE_FALSE(output);
  CHECK(output.error().code == Code::script_limit);
  CHECK_THAT(output.error().message, Catch::Contains(limit));
  CHECK(harness.run(numbers(1)).error().code == Code::conflict);
  REQUIRE(harness.load("function transform(row) return {out = 'alive'} end", text_output()));
  CHECK(harness.run(numbers(1))->batch.columns[0].text(0) == "alive");
}

TEST_CASE("an endless loop is stopped by the CPU limit, and the message says where it was") {
  is_stopped("\nwhile true do end", "CPU limit of 300 ms, last seen at line 2");
}

TEST_CASE("an endless loop is stopped by the instruction limit") {
  auto limits = tight();
  limits.cpu = std::chrono::seconds{15};
  limits.instructions = 1'000'000;
  is_stopped("while true do end", "1000000 instructions", limits);
  is_stopped("while true do pcall(function() while true do end end) end", "instructions", limits);
  is_stopped("local function f() while true do end end while true do pcall(pcall, f) xpcall(f, f) end",
             "instructions", limits);
  is_stopped("while true do coroutine.wrap(function() for i = 1, 1e4 do end end)() end", "instructions",
             limits);
  is_stopped(
      "local t = setmetatable({}, {__close = function() while true do end end}) local x <close> = t "
      "error('x')",
      "instructions", limits);
}

TEST_CASE("the instruction limit counts each batch anew") {
  ScriptLimits limits;
  limits.instructions = 100'000;
  Harness harness;
  REQUIRE(harness.load("function transform(row) for i = 1, 60000 do end return {out = 'done'} end",
                       text_output(), limits));
  for (int i = 0; i < 5; ++i) CHECK(harness.run(numbers(1))->batch.rows == 1);
  CHECK(harness.run(numbers(2)).error().code == Code::script_limit);
}

TEST_CASE("loops inside C functions are stopped by the CPU limit") {
  is_stopped("local s = string.rep('a', 30) return {out = string.find(s, string.rep('a?', 30) .. s)}",
             "CPU limit");
  is_stopped("string.find(string.rep('a', 200000), string.rep('.-', 12) .. 'b')", "CPU limit");
  is_stopped(
      "coroutine.wrap(function() while true do pcall(string.find, string.rep('a', 1000), "
      "'(.-)(.-)(.-)(.-)b') end end)()",
      "CPU limit");
}

TEST_CASE("memory eaters are stopped by the memory limit, whatever they catch") {
  for (const char* body : {
           "local t = {} for i = 1, 1e9 do t[i] = {} end",
           "local t = {} for i = 1, 1e9 do t['key' .. i] = i end",
           "local s = 'x' while true do s = s .. s end",
           "local s = 'x' while true do pcall(function() s = s .. s end) end",
           "local t = {} while true do pcall(function() for i = 1, 1e9 do t[#t + 1] = 'some text ' .. i end "
           "end) end",
           "local t = {} while true do t[#t + 1] = string.rep('x', 1 << 20) end",
           "local t = {} for i = 1, 64 do t[i] = string.rep('x', 1 << 18) end return {out = table.concat(t)}",
           "local s = string.rep('x', 1 << 20) return {out = (string.gsub(s, '.', string.rep('y', 1000)))}",
           "return {out = string.pack('!16 i4 c100000000', 1, 'x')}",
           "local s = string.rep('x', 1 << 22) return {out = string.format('%s%s%s%s%s%s%s%s', s, s, s, s, "
           "s, s, s, s)}",
           "local t = {} for i = 1, 1e9 do t[i] = coroutine.create(function() end) end",
           "local t = {} for i = 1, 1e9 do t[i] = vmc.decimal(i) end",
           "local a = vmc.text.replace(string.rep('a', 1 << 20), 'a', string.rep('b', 1000))",
       }) {
    auto limits = tight();
    limits.cpu = std::chrono::seconds{10};
    Harness harness;
    INFO(body);
    REQUIRE(harness.load(std::string{"function transform(row) "} + body + " end", text_output(), limits));
    const auto output = harness.run(numbers(1));
    const bool refused = output && output->refused.size() == 1;  // a helper's own cap is an ordinary error
    const bool stopped = !output && output.error().code == Code::script_limit &&
                         output.error().message.find("memory limit of 16 MiB") != std::string::npos;
    CHECK((refused || stopped));
    if (!output) CHECK_THAT(output.error().message, Catch::Contains("memory limit"));
  }
}

TEST_CASE("garbage is collected before the memory limit is believed") {
  ScriptLimits limits;
  limits.memory_bytes = 8u << 20;
  Harness harness;
  REQUIRE(
      harness.load("function transform(row) local s for i = 1, 100 do s = string.rep('x', 1 << 20) end "
                   "return {out = 'ok'} end",
                   text_output(), limits));
  const auto output = harness.run(numbers(3));
  REQUIRE(output);
  CHECK(output->batch.rows == 3);
}

TEST_CASE("memory held at load time is limited too") {
  Harness harness;
  const auto loaded = harness.load("t = {} for i = 1, 1e9 do t[i] = {} end function transform(row) end",
                                   text_output(), tight());
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code == Code::script_limit);
}

TEST_CASE("deep recursion is an error of its row") {
  for (const char* body :
       {"local function f() return 1 + f() end f()",
        "local t = setmetatable({}, {}) getmetatable(t).__index = function(_, k) return t[k] end local x = "
        "t.a",
        "local function f(x) return string.gsub('a', 'a', function() return f(x) end) end f(1)",
        "local f f = coroutine.wrap(function() coroutine.wrap(f)() end) f()"}) {
    Harness harness;
    INFO(body);
    REQUIRE(harness.load(
        std::string{"function transform(row) if row.n == 1 then "} + body + " end return {out = 'next'} end",
        text_output(), ScriptLimits{}));
    const auto output = harness.run(numbers(2));
    REQUIRE(output);
    CHECK(output->refused.size() == 1);
    CHECK(output->batch.rows == 1);
  }
}

TEST_CASE("deeply nested source is an error, not a crash") {
  Harness harness;
  for (const auto& source :
       {std::string(100'000, '('), std::string(100'000, '{'), "x = " + std::string(50'000, '-') + "1",
        std::string{"local s = "} + std::string(300'000, '~') + "1"}) {
    const auto loaded = harness.load(source, text_output());
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code == Code::script_error);
  }
}

TEST_CASE("an output that is too large is stopped by the output limit") {
  is_stopped("return {out = string.rep('x', 600000)}", "output limit of 1 MiB");
  is_stopped("local s, t = string.rep('x', 100), {} for i = 1, 20000 do t[i] = {out = s} end return t",
             "output limit");
}

TEST_CASE("capped helpers refuse a result that is too long") {
  CHECK_THAT(evaluate("string.rep('x', 1e10)"), Catch::Contains("longer than 16 MiB"));
  CHECK_THAT(evaluate("('x'):rep(1 << 40)"), Catch::Contains("longer than 16 MiB"));
  CHECK_THAT(evaluate("('x'):rep(1 << 62, 'yyyyyyyyyyyyyyyy')"), Catch::Contains("longer than 16 MiB"));
  CHECK_THAT(evaluate("string.format('%99999d', 1)"), Catch::Contains("invalid conversion"));
  CHECK_THAT(evaluate("string.format('%.99999f', 1)"), Catch::Contains("invalid conversion"));
}

TEST_CASE("nothing that reaches outside exists") {
  const auto answers = evaluate_all({"io", "os", "debug", "package", "require", "load", "loadstring",
                                     "loadfile", "dofile", "collectgarbage", "string.dump", "math.randomseed",
                                     "_G", "getfenv", "jit", "ffi", "('').dump", "newproxy", "warn"});
  for (const auto& answer : answers) CHECK(answer == "nil");
}

TEST_CASE("no way leads to a metatable, an environment or an original function") {
  const auto answers = evaluate_all({
      "getmetatable('')",
      "getmetatable(vmc.null)",
      "getmetatable(vmc.decimal(1))",
      "getmetatable(vmc.date('2024-01-01'))",
      "getmetatable(_ENV)",
      "getmetatable(vmc)",
      "getmetatable(string)",
      "setmetatable(_ENV, {})",
      "setmetatable(vmc.decimal(1), {})",
      "rawset(_ENV, 'x', 1)",
      "rawset(string, 'rep', 1)",
      "setmetatable({}, {__gc = function() end})",
      "setmetatable({}, {__mode = 'k'})",
      "table.insert(vmc, 1)",
      "(function() string.rep = nil end)()",
      "(function() vmc.null = 1 end)()",
      "(function() vmc.json.encode = 1 end)()",
      "(function() x = 1 end)()",
      "(function() transform = 1 end)()",
      "rawget(_ENV, 'string')",
      "next(_ENV)",
  });
  for (std::size_t i = 0; i < 7; ++i) CHECK(answers[i] == "false");
  for (std::size_t i = 7; i < 19; ++i) CHECK_THAT(answers[i], Catch::StartsWith("error: "));
  CHECK(answers[19] == "nil");
  CHECK(answers[20] == "nil");
}

TEST_CASE("addresses are never shown") {
  const auto answers =
      evaluate_all({"{}", "print", "coroutine.create(print)", "string.format('%s %s', {}, print)",
                    "string.format('%p', {})", "string.format('%-10s|', vmc.null)", "vmc.null",
                    "coroutine.running()", "string.format('%q', {})",
                    "tostring(setmetatable({}, {__name = 'x'}))", "table.concat({{}})", "#{} .. {}"});
  for (const auto& answer : answers) {
    INFO(answer);
    CHECK(answer.find("0x") == std::string::npos);
  }
  CHECK(answers[0] == "table");
  CHECK(answers[3] == "table function");
  CHECK(answers[6] == "null");
}

TEST_CASE("bytecode is refused") {
  Harness harness;
  const auto loaded = harness.load("\x1bLua\x54\x01\x19\x93\r\n\x1a\n", text_output());
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code == Code::script_error);
  CHECK_THAT(loaded.error().message, Catch::Contains("binary chunk"));
}

TEST_CASE("an error object is described, never called") {
  Harness harness;
  REQUIRE(
      harness.load("function transform(row)\n"
                   "  error(setmetatable({}, {__tostring = function() while true do end end}))\n"
                   "end",
                   text_output(), tight()));
  const auto output = harness.run(numbers(1));
  REQUIRE(output);
  CHECK(output->refused[0].reason == "shape:2: an error that is not text but a table");
}

TEST_CASE("sorting with a senseless order ends") {
  CHECK(evaluate("(function() local t = {} for i = 1, 1000 do t[i] = i % 7 end "
                 "table.sort(t, function(a, b) return true end) return #t end)()") == "1000");
  CHECK_THAT(evaluate("table.sort({1, 'x'})"), Catch::Contains("attempt to compare"));
}

TEST_CASE("reasons and log lines are short, printable text") {
  ScriptLimits limits;
  limits.log_lines = 3;
  Harness harness;
  REQUIRE(harness.load(
      "function transform(row) for i = 1, 9 do vmc.log('a\\0b\\27[31m', string.rep('x', 5000)) end\n"
      "error(string.rep('y\\255\\n', 1000)) end",
      text_output(), limits));
  const auto output = harness.run(numbers(1));
  REQUIRE(output);
  REQUIRE(output->log.size() == 4);
  CHECK(output->log[0].size() <= 1000);
  CHECK_THAT(output->log[0], Catch::StartsWith("a?b?[31m xxx"));
  CHECK(output->log[3] == "(6 more lines were not kept)");
  CHECK(output->refused[0].reason.size() <= 300);
  CHECK_THAT(output->refused[0].reason, Catch::StartsWith("shape:2: y? y? "));
}

TEST_CASE("a run can be repeated: same random numbers, same order of keys, same sort") {
  const std::string expression =
      "(function() local out = {math.random(1000000)} local t = {} for i = 1, 300 do t['k' .. (i * 7919 % "
      "1000)] = i end "
      "for k, v in pairs(t) do out[#out + 1] = k end out[#out + 1] = next(t) "
      "local r = {} for i = 1, 500 do r[i] = {i % 3, i} end table.sort(r, function(a, b) return a[1] < b[1] "
      "end) "
      "for _, x in ipairs(r) do out[#out + 1] = x[2] end return vmc.hash.sha256(table.concat(out, ',')) "
      "end)()";
  const auto first = evaluate(expression);
  CHECK(first.size() == 64);
  CHECK(evaluate(expression) == first);
  CHECK(evaluate(expression) == first);
}

}  // namespace
}  // namespace vmc::script::test
