// The process around the script: what it cannot do, what its parent believes, what is left when it dies.
#include "harness.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <boost/asio/bind_cancellation_slot.hpp>

#include "data/chunk.hpp"
#include "script/frames.hpp"

namespace vmc::script::test {
namespace {

// A program that speaks on descriptor 3 what the given shell commands print.
struct FakeChild {
  explicit FakeChild(const std::string& commands) {
    char pattern[] = "/tmp/vmc-fake-child-XXXXXX";
    folder = ::mkdtemp(pattern);
    path = folder / "child";
    std::ofstream{path} << "#!/bin/sh\n" << commands << "\n";
    ::chmod(path.c_str(), 0700);
  }
  ~FakeChild() { std::filesystem::remove_all(folder); }
  std::filesystem::path folder;
  std::filesystem::path path;
};

const std::string kLoaded = "printf '\\001\\000\\000\\000\\005\\000' >&3; ";

Error error_of_lying(const std::string& answer) {
  FakeChild child{kLoaded + answer};
  Harness harness;
  harness.sandbox = make_sandbox(harness.loop, harness.cpu, child.path);
  REQUIRE(harness.load("function transform(row) return row end", text_output()));
  const auto output = harness.run(numbers(3));
  REQUIRE_FALSE(output);
  return output.error();
}

pid_t only_child_of_this_process() {
  std::ifstream children{"/proc/self/task/" + std::to_string(::getpid()) + "/children"};
  pid_t pid = 0;
  children >> pid;
  return pid;
}

TEST_CASE("garbage from the child is refused") {
  SECTION("an unknown type") {
    CHECK(error_of_lying("printf '\\000\\000\\000\\000\\143' >&3; sleep 5").code == Code::script_error);
  }
  SECTION("a length beyond any limit") {
    CHECK_THAT(error_of_lying("printf '\\377\\377\\377\\377\\007' >&3; sleep 5").message,
               Catch::Contains("length"));
  }
  SECTION("an answer of another kind") {
    CHECK(error_of_lying("printf '\\001\\000\\000\\000\\005\\000' >&3; sleep 5").code == Code::script_error);
  }
  SECTION("an output that is no output") {
    CHECK(error_of_lying("printf '\\004\\000\\000\\000\\007abcd' >&3; sleep 5").code == Code::script_error);
  }
  SECTION("an output whose chunk is noise") {
    CHECK(error_of_lying("printf "
                         "'\\024\\000\\000\\000\\007\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\"
                         "000\\004\\000\\000\\000abcd' >&3; sleep 5")
              .code == Code::script_error);
  }
  SECTION("more refused rows than there are rows") {
    CHECK(error_of_lying("printf '\\004\\000\\000\\000\\007\\377\\377\\377\\177' >&3; sleep 5").code ==
          Code::script_error);
  }
  SECTION("last words that name no limit") {
    CHECK(error_of_lying("printf '\\005\\000\\000\\000\\011\\143\\000\\000\\000\\000' >&3; sleep 5").code ==
          Code::script_error);
  }
  SECTION("half an answer") {
    CHECK(error_of_lying("printf '\\100\\000\\000\\000\\007abc' >&3").code == Code::script_error);
  }
  SECTION("noise") { CHECK(error_of_lying("head -c 100000 /dev/urandom >&3").code == Code::script_error); }
}

// A child whose frames are right and whose content is as given.
Result<ScriptOutput> run_with_reply(const BatchReply& reply, const data::RowTypePtr& output) {
  const auto payload = encode(reply);
  const auto header = make_header(Frame::output, payload.size());
  FakeChild child{kLoaded + "cat \"${0%child}answer\" >&3; exec sleep 60"};
  std::ofstream{child.folder / "answer"} << as_text(header) << as_text(payload);
  Harness harness;
  harness.sandbox = make_sandbox(harness.loop, harness.cpu, child.path);
  REQUIRE(harness.load("function transform(row) return row end", output));
  return harness.run(numbers(3));
}

TEST_CASE("only rows of the columns that were asked for are believed") {
  const auto type = row_type({{"n", {data::Kind::int64}, false}});
  const auto chunk = [](data::RowType fields, const std::vector<std::vector<data::Value>>& rows) {
    return data::encode(make_batch(row_type(std::move(fields)), rows), data::Compression::none);
  };
  BatchReply reply;
  reply.chunk = chunk({{"n", {data::Kind::int64}, false}}, {{std::int64_t{7}}});
  reply.refused = {{2, "n", "a\x1b[31m reason"}};
  reply.log = {"a\nline"};
  SECTION("an honest answer") {
    const auto output = run_with_reply(reply, type);
    REQUIRE(output);
    CHECK(output->batch.columns[0].int64s()[0] == 7);
    CHECK(output->refused[0].reason == "a?[31m reason");
    CHECK(output->log[0] == "a line");
  }
  SECTION("another name") {
    reply.chunk = chunk({{"m", {data::Kind::int64}, false}}, {{std::int64_t{7}}});
    CHECK(run_with_reply(reply, type).error().code == Code::script_error);
  }
  SECTION("another type") {
    reply.chunk = chunk({{"n", {data::Kind::timestamp}, false}}, {{data::Timestamp{7}}});
    CHECK(run_with_reply(reply, type).error().code == Code::script_error);
  }
  SECTION("NULL where there may be none") {
    reply.chunk = chunk({{"n", {data::Kind::int64}, false}}, {{std::monostate{}}});
    CHECK(run_with_reply(reply, type).error().code == Code::script_error);
  }
  SECTION("a refused row that was never sent") {
    reply.refused[0].row = 3;
    CHECK(run_with_reply(reply, type).error().code == Code::script_error);
  }
  SECTION("a row refused twice") {
    reply.refused.push_back(reply.refused[0]);
    CHECK(run_with_reply(reply, type).error().code == Code::script_error);
  }
  SECTION("a filter's bits for a transform") {
    reply.chunk = {};
    reply.keep = {1};
    CHECK(run_with_reply(reply, type).error().code == Code::script_error);
  }
}

TEST_CASE("a child that ends, hangs or never listens is an error that says so") {
  SECTION("at once") {
    Harness harness;
    harness.sandbox = make_sandbox(harness.loop, harness.cpu, "/bin/true");
    const auto loaded = harness.load("function transform(row) end", text_output());
    REQUIRE_FALSE(loaded);
    CHECK_THAT(loaded.error().message, Catch::Contains("ended by itself"));
  }
  SECTION("a program that does not exist") {
    Harness harness;
    harness.sandbox = make_sandbox(harness.loop, harness.cpu, "/nowhere/vmc");
    CHECK(harness.load("function transform(row) end", text_output()).error().code == Code::unavailable);
  }
  SECTION("never an answer") {
    FakeChild child{kLoaded + "exec sleep 60"};
    Harness harness;
    harness.sandbox = make_sandbox(harness.loop, harness.cpu, child.path);
    ScriptLimits limits;
    limits.wall = std::chrono::milliseconds{200};
    REQUIRE(harness.load("function transform(row) end", text_output(), limits));
    const auto output = harness.run(numbers(1));
    REQUIRE_FALSE(output);
    CHECK(output.error().code == Code::script_limit);
    CHECK_THAT(output.error().message, Catch::Contains("time limit of 200 ms"));
  }
  SECTION("never reads a large batch") {
    FakeChild child{kLoaded + "exec sleep 60"};
    Harness harness;
    harness.sandbox = make_sandbox(harness.loop, harness.cpu, child.path);
    ScriptLimits limits;
    limits.wall = std::chrono::milliseconds{200};
    REQUIRE(harness.load("function transform(row) end", text_output(), limits));
    CHECK(harness.run(numbers(200'000)).error().code == Code::script_limit);
  }
  SECTION("a crash") {
    FakeChild child{kLoaded + "kill -SEGV $$"};
    Harness harness;
    harness.sandbox = make_sandbox(harness.loop, harness.cpu, child.path);
    REQUIRE(harness.load("function transform(row) end", text_output()));
    CHECK_THAT(harness.run(numbers(1)).error().message, Catch::Contains("crashed (signal 11)"));
  }
}

TEST_CASE(
    "a child killed from outside in the middle of a run is reported, and the next load starts another") {
  Harness harness;
  REQUIRE(harness.load("function transform(row) while true do end end", text_output()));
  const pid_t child = only_child_of_this_process();
  REQUIRE(child > 0);
  asio::post(harness.loop, [child] { ::kill(child, SIGKILL); });
  const auto output = harness.run(numbers(1));
  REQUIRE_FALSE(output);
  CHECK(output.error().code == Code::script_error);
  CHECK_THAT(output.error().message, Catch::Contains("killed from outside"));
  CHECK(harness.run(numbers(1)).error().code == Code::conflict);
  REQUIRE(harness.load("function transform(row) return {out = 'again'} end", text_output()));
  CHECK(harness.run(numbers(1))->batch.rows == 1);
}

TEST_CASE("cancelling a run ends its child") {
  Harness harness;
  REQUIRE(harness.load("function transform(row) while true do end end", text_output()));
  const pid_t child = only_child_of_this_process();
  asio::cancellation_signal stop;
  bool ended = false;
  auto work = [&]() -> awaitable<void> {
    auto batch = numbers(1);
    const auto output = co_await harness.sandbox->run(std::move(batch));
    ended = !output && output.error().code == Code::cancelled;
  };
  auto done = [](std::exception_ptr) {};
  asio::co_spawn(harness.loop, work(), asio::bind_cancellation_slot(stop.slot(), done));
  asio::post(harness.loop,
             [&] { asio::post(harness.loop, [&] { stop.emit(asio::cancellation_type::terminal); }); });
  harness.loop.restart();
  harness.loop.run();
  CHECK(ended);
  CHECK(::kill(child, 0) == -1);
}

TEST_CASE("the child has no environment, no descriptors and no place") {
  ::setenv("VMC_TEST_SECRET", "canary", 1);
  Harness harness;
  REQUIRE(harness.load("function transform(row) end", text_output()));
  const auto proc = std::filesystem::path{"/proc"} / std::to_string(only_child_of_this_process());
  ::unsetenv("VMC_TEST_SECRET");
  if (::geteuid() == 0) {  // a process that may not be dumped shows these to root alone
    std::ifstream environment{proc / "environ"};
    CHECK(std::string{std::istreambuf_iterator<char>{environment}, {}}.empty());
    CHECK(std::filesystem::read_symlink(proc / "cwd") == "/");
    std::size_t open = 0;
    for (const auto& entry : std::filesystem::directory_iterator{proc / "fd"}) {
      ++open;
      const auto target = std::filesystem::read_symlink(entry.path()).string();
      CHECK((target == "/dev/null" || target.starts_with("socket:")));
    }
    CHECK(open == 4);
  }
  std::ifstream status{proc / "status"};
  const std::string text{std::istreambuf_iterator<char>{status}, {}};
  CHECK_THAT(text, Catch::Contains("NoNewPrivs:\t1"));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  CHECK_THAT(text, Catch::Contains("Seccomp:\t2"));
#endif
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("a confined process that opens a file, a socket or a process dies of it") {
  for (const char* what : {"file", "socket", "fork", "other-descriptor"}) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::execl("/proc/self/exe", "unit_script", "__probe", what, nullptr);
      ::_exit(9);
    }
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    INFO(what);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGSYS);
  }
}
#endif

TEST_CASE("no process is left behind") {
  {
    Harness harness;
    REQUIRE(harness.load("function transform(row) while true do end end", text_output()));
    REQUIRE(harness.load("function transform(row) end", text_output()));
  }
  CHECK(only_child_of_this_process() == 0);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("a busy sandbox refuses a second call") {
  Harness harness;
  REQUIRE(harness.load("function transform(row) return {out = 'x'} end", text_output()));
  Code second = Code::internal;
  auto first = [&]() -> awaitable<void> {
    auto batch = numbers(1);
    const auto output = co_await harness.sandbox->run(std::move(batch));
    CHECK(output.has_value());
  };
  auto other = [&]() -> awaitable<void> {
    auto batch = numbers(1);
    const auto output = co_await harness.sandbox->run(std::move(batch));
    second = output.error().code;
  };
  auto done = [](std::exception_ptr) {};
  asio::co_spawn(harness.loop, first(), done);
  asio::co_spawn(harness.loop, other(), done);
  harness.loop.restart();
  harness.loop.run();
  CHECK(second == Code::conflict);
}

TEST_CASE("two sandboxes share nothing, and a load forgets what the last script kept") {
  const std::string counting =
      "local seen = 0\nfunction transform(row) seen = seen + 1 return {out = tostring(seen)} end";
  Harness one;
  Harness two;
  REQUIRE(one.load(counting, text_output()));
  REQUIRE(two.load(counting, text_output()));
  CHECK(one.run(numbers(3))->batch.columns[0].text(2) == "3");
  CHECK(one.run(numbers(1))->batch.columns[0].text(0) == "4");
  CHECK(two.run(numbers(1))->batch.columns[0].text(0) == "1");
  REQUIRE(one.load(counting, text_output()));
  CHECK(one.run(numbers(1))->batch.columns[0].text(0) == "1");
}

}  // namespace
}  // namespace vmc::script::test
