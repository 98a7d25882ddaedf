#include "child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <stdexcept>
#include <vector>

namespace vmc::test {
namespace {

constexpr int kSay = 98, kGo = 99;  // the child's ends of the pipes

}  // namespace

Child::Child(const std::string& test_case, const std::map<std::string, std::string>& environment) {
  std::array<int, 2> up{}, down{};
  if (::pipe2(up.data(), O_CLOEXEC) != 0 || ::pipe2(down.data(), O_CLOEXEC) != 0)
    throw std::runtime_error{"pipe"};
  std::vector<std::string> variables;
  for (char** variable = environ; *variable; ++variable) variables.emplace_back(*variable);
  for (const auto& [name, value] : environment) variables.push_back(name + "=" + value);
  std::vector<char*> envp, argv;
  for (auto& variable : variables) envp.push_back(variable.data());
  envp.push_back(nullptr);
  std::vector<std::string> arguments{"child", test_case};
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);

  pid_ = ::fork();
  if (pid_ == 0) {
    const int null = ::open("/dev/null", O_WRONLY);
    if (::dup2(up[1], kSay) < 0 || ::dup2(down[0], kGo) < 0 || ::dup2(null, STDOUT_FILENO) < 0) ::_exit(126);
    ::execve("/proc/self/exe", argv.data(), envp.data());
    ::_exit(127);
  }
  ::close(up[1]);
  ::close(down[0]);
  from_ = up[0];
  to_ = down[1];
  if (pid_ < 0) throw std::runtime_error{"fork"};
}

Child::~Child() {
  if (pid_ > 0) {
    strike();
    wait();
  }
  ::close(from_);
  ::close(to_);
}

std::optional<std::string> Child::line() {
  for (;;) {
    if (const auto end = buffered_.find('\n'); end != buffered_.npos) {
      auto text = buffered_.substr(0, end);
      buffered_.erase(0, end + 1);
      return text;
    }
    std::array<char, 4096> chunk{};
    const auto size = ::read(from_, chunk.data(), chunk.size());
    if (size <= 0) return std::nullopt;
    buffered_.append(chunk.data(), static_cast<std::size_t>(size));
  }
}

void Child::go() {
  if (::write(to_, "\n", 1) != 1) throw std::runtime_error{"the child is gone"};
}

void Child::strike() { ::kill(pid_, SIGKILL); }

int Child::wait() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return status;
}

std::string given(const char* variable) {
  const char* value = std::getenv(variable);
  if (!value) throw std::runtime_error{std::string{"not started by a test: "} + variable};
  return value;
}

void say(const std::string& line) {
  const auto text = line + "\n";
  if (::write(kSay, text.data(), text.size()) != static_cast<ssize_t>(text.size())) std::abort();
}

void wait_for_go() {
  char byte = 0;
  if (::read(kGo, &byte, 1) != 1) std::abort();
}

}  // namespace vmc::test
