#include "script/limits.hpp"

#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <new>

namespace vmc::script {
namespace {

constexpr int kHookEvery = 1000;
// Lua itself would let the stack grow to a million slots.
constexpr int kDepthMax = 20'000;

// One script a process, and a signal handler can reach nothing else.
volatile std::sig_atomic_t g_line = 0;
volatile std::sig_atomic_t g_stopping = 0;
std::uint64_t g_instructions = 0;
std::uint64_t g_instructions_max = 0;

void on_count(lua_State* L, lua_Debug* where) {
  g_instructions += kHookEvery;
  lua_getinfo(L, "l", where);
  if (where->currentline > 0) g_line = where->currentline;
  if (g_instructions > g_instructions_max) stop_at(Limit::instructions);
  lua_Debug deepest;
  if (lua_getstack(L, kDepthMax, &deepest)) luaL_error(L, "stack overflow: more than 20,000 calls deep");
}

void on_cpu_used_up(int) {
  if (!g_stopping) stop_at(Limit::cpu);
}

void on_heap_used_up() { stop_at(Limit::memory); }

}  // namespace

void write_fully(ByteView bytes) noexcept {
  while (!bytes.empty()) {
    const auto n = ::write(kChildSocket, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) ::_exit(1);  // nobody listens any more
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
}

void stop_at(Limit limit) noexcept {
  g_stopping = 1;
  const auto words = encode(Stopped{limit, static_cast<std::uint32_t>(g_line)});
  const auto header = make_header(Frame::stopped, words.size());
  write_fully(header);
  write_fully(words);
  ::_exit(0);
}

void install_limit_handlers() {
  struct sigaction action {};
  action.sa_handler = on_cpu_used_up;
  ::sigaction(SIGPROF, &action, nullptr);
  std::set_new_handler(on_heap_used_up);
}

void start_cpu_clock(Duration limit) {
  itimerval timer{};
  timer.it_value.tv_sec = limit.count() / 1'000'000;
  timer.it_value.tv_usec = limit.count() % 1'000'000;
  ::setitimer(ITIMER_PROF, &timer, nullptr);
}

void stop_cpu_clock() {
  const itimerval timer{};
  ::setitimer(ITIMER_PROF, &timer, nullptr);
}

void count_instructions(lua_State* L, std::uint64_t limit) {
  g_instructions_max = limit;
  lua_sethook(L, on_count, LUA_MASKCOUNT, kHookEvery);
}

void start_instruction_count() {
  g_instructions = 0;
  g_line = 0;
}

}  // namespace vmc::script
