// One script in one Lua state: loading it, and feeding it batches or lines. Lives in the child process.
#pragma once

#include <memory>

#include "script/frames.hpp"
#include "script/host.hpp"

namespace vmc::script {

class Engine {
 public:
  explicit Engine(const ScriptLimits& limits);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // SCRIPT_ERROR, as "name:line: message", for whatever is the script's own fault.
  Result<Entry> load(const LoadRequest& request);
  Result<BatchReply> run(const data::Batch& batch);
  Result<LinesReply> run_lines(std::string_view ndjson);

 private:
  template <class F>
  Result<void> guarded(F work);
  Entry find_entry();
  void start_call();
  bool call(int arguments, data::RowError& error);
  std::vector<std::string> take_log();

  void transform(const data::Batch& batch, BatchReply& reply);
  void transform_batch(const data::Batch& batch, BatchReply& reply);
  void filter(const data::Batch& batch, BatchReply& reply);

  Host host_;
  lua_State* L_ = nullptr;
  Entry entry_ = Entry::transform;
  data::RowTypePtr output_;
  int function_ = 0;  // registry references
  int context_ = 0;
};

}  // namespace vmc::script
