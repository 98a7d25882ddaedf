// A script over NDJSON: every line an object in, objects out. For people's files, not for the platform's
// rows.
#pragma once

#include <lua.hpp>

#include <string_view>
#include <vector>

#include "script/frames.hpp"
#include "script/row_list.hpp"

namespace vmc::script {

class LineRunner {
 public:
  // Expects the error handler at 1, the function and the context on top of the stack.
  LineRunner(lua_State* L, Entry entry, std::size_t bytes_max, LinesReply& reply);
  void run(std::string_view text);

 private:
  std::optional<Refusal> read_line(std::string_view line, std::vector<std::string>* keys);
  std::optional<Refusal> run_line(std::string_view line);
  std::optional<Refusal> write(int index, const std::vector<std::string>& order);
  void run_set(std::string_view text);
  void keep();

  lua_State* L_;
  Entry entry_;
  std::size_t bytes_max_;
  LinesReply& reply_;
  int context_;
  std::vector<std::string> keys_;
  std::string pending_;
  std::int64_t pending_rows_ = 0;
};

}  // namespace vmc::script
