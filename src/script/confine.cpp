#include "script/confine.hpp"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "crypto/hash.hpp"
#include "script/frames.hpp"

// A sanitizer maps terabytes and calls the kernel as it likes; its builds keep the other walls.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define VMC_SCRIPT_SANITIZED 1
#else
#define VMC_SCRIPT_SANITIZED 0
#endif

namespace vmc::script {
namespace {

std::string problem(std::string_view what, int error) {
  return std::string{what} + ": " + std::strerror(error);
}

std::optional<std::string> limit(int resource, rlim_t most, std::string_view what) {
  const rlimit value{most, most};
  if (::setrlimit(static_cast<__rlimit_resource>(resource), &value) != 0) return problem(what, errno);
  return std::nullopt;
}

[[maybe_unused]] std::uint64_t mapped_bytes() {
  const int file = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 512u << 20;  // without /proc: a generous guess at the program and its libraries
  char text[64] = {};
  const auto size = ::read(file, text, sizeof text - 1);
  ::close(file);
  if (size <= 0) return 512u << 20;
  return std::strtoull(text, nullptr, 10) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::optional<std::string> set_limits([[maybe_unused]] std::uint64_t address_space) {
#if !VMC_SCRIPT_SANITIZED
  if (auto bad = limit(RLIMIT_AS, mapped_bytes() + address_space, "RLIMIT_AS")) return bad;
  if (auto bad = limit(RLIMIT_NOFILE, 0, "RLIMIT_NOFILE"))
    return bad;  // a sanitizer probes memory with a pipe
#endif
  if (auto bad = limit(RLIMIT_NPROC, 0, "RLIMIT_NPROC")) return bad;
  if (auto bad = limit(RLIMIT_FSIZE, 0, "RLIMIT_FSIZE")) return bad;
  if (auto bad = limit(RLIMIT_MEMLOCK, 0, "RLIMIT_MEMLOCK")) return bad;
  if (auto bad = limit(RLIMIT_MSGQUEUE, 0, "RLIMIT_MSGQUEUE")) return bad;
  return limit(RLIMIT_CORE, 0, "RLIMIT_CORE");
}

#if !VMC_SCRIPT_SANITIZED
std::optional<std::string> filter_system_calls() {
  struct Context {
    scmp_filter_ctx raw = seccomp_init(SCMP_ACT_KILL_PROCESS);
    ~Context() {
      if (raw) seccomp_release(raw);
    }
  } context;
  if (!context.raw) return "seccomp is not available";
  int error = 0;
  const auto allow = [&](int call) {
    if (error == 0) error = seccomp_rule_add(context.raw, SCMP_ACT_ALLOW, call, 0);
  };
  const auto allow_if = [&](int call, scmp_arg_cmp condition) {
    if (error == 0) error = seccomp_rule_add_array(context.raw, SCMP_ACT_ALLOW, call, 1, &condition);
  };
  allow_if(SCMP_SYS(read), SCMP_A0(SCMP_CMP_EQ, kChildSocket, 0));
  allow_if(SCMP_SYS(write), SCMP_A0(SCMP_CMP_EQ, kChildSocket, 0));
  allow_if(SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  allow(SCMP_SYS(munmap));
  allow(SCMP_SYS(mremap));
  allow(SCMP_SYS(madvise));
  allow(SCMP_SYS(brk));
  allow(SCMP_SYS(futex));
  allow(SCMP_SYS(setitimer));  // the CPU limit of a call; RLIMIT_CPU stands behind it
  allow(SCMP_SYS(clock_gettime));
  allow(SCMP_SYS(time));
  allow(SCMP_SYS(rt_sigreturn));
  allow(SCMP_SYS(restart_syscall));
  allow(SCMP_SYS(exit));
  allow(SCMP_SYS(exit_group));
  if (error == 0) error = seccomp_load(context.raw);
  if (error != 0) return problem("seccomp", -error);
  return std::nullopt;
}
#endif

}  // namespace

std::optional<std::string> confine(std::uint64_t address_space) {
  // OpenSSL reads its configuration when first used: let it, while files can still be opened.
  crypto::hmac_sha256(crypto::sha256({}), {});

  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return problem("PR_SET_PDEATHSIG", errno);
  if (auto bad = set_limits(address_space)) return bad;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return problem("PR_SET_NO_NEW_PRIVS", errno);
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) return problem("PR_SET_DUMPABLE", errno);
#if VMC_SCRIPT_SANITIZED
  return std::nullopt;
#else
  return filter_system_calls();
#endif
}

}  // namespace vmc::script
