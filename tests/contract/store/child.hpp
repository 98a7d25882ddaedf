// Another process: this test program again, running one hidden test case.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>

namespace vmc::test {

class Child {
 public:
  // Starts the test case of this name with these environment variables.
  Child(const std::string& test_case, const std::map<std::string, std::string>& environment);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();  // ends it when it still runs

  std::optional<std::string> line();  // what it say()s next; nullopt at its end
  void go();                          // lets its wait_for_go() return
  void strike();                      // kill -9
  int wait();                         // its wait status

 private:
  pid_t pid_ = -1;
  int from_ = -1;
  int to_ = -1;
  std::string buffered_;
};

// Within the child.
std::string given(const char* variable);
void say(const std::string& line);
void wait_for_go();

}  // namespace vmc::test
