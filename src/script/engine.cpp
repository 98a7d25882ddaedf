#include "script/engine.hpp"

#include <new>

#include "data/chunk.hpp"
#include "script/json_text.hpp"
#include "script/limits.hpp"
#include "script/lines.hpp"
#include "script/row_list.hpp"
#include "script/rows.hpp"

namespace vmc::script {
namespace {

// A collection starts when the heap has grown by this share: rows are garbage at once, and little else lives.
constexpr int kCollectorPause = 300;

// Runs where an error is raised: adds the line that a value other than text does not carry, and never calls
// anything of the script's.
int describe_error(lua_State* L) {
  if (lua_type(L, 1) == LUA_TSTRING) return 1;
  lua_Debug where;
  int level = 1;  // error() itself is a C function without lines
  while (lua_getstack(L, level, &where) && lua_getinfo(L, "l", &where) && where.currentline < 0 && level < 10)
    ++level;
  luaL_where(L, level);
  lua_pushfstring(L, "%san error that is not text but %s", lua_tostring(L, -1), kind_of(L, 1));
  return 1;
}

std::string error_text(lua_State* L) {
  return lua_type(L, -1) == LUA_TSTRING ? printable(text_at(L, -1), kReasonMax)
                                        : std::string{"unknown error"};
}

int set_global(lua_State* L) {
  // upvalue: the real globals
  if (host_of(L).locked) {
    const char* name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";
    return luaL_error(L, "global '%s': globals are read-only once the script is loaded; use a local", name);
  }
  lua_rawset(L, lua_upvalueindex(1));
  return 0;
}

// Leaves the environment's proxy and, below it, the real globals.
void push_environment(lua_State* L) {
  push_language(L);
  push_vmc(L);
  lua_getfield(L, -2, "print");
  lua_setfield(L, -2, "log");
  protect(L, "vmc");
  lua_setfield(L, -2, "vmc");
  lua_newtable(L);
  lua_createtable(L, 0, 3);
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");
  lua_pushvalue(L, -3);
  lua_pushcclosure(L, set_global, 1);
  lua_setfield(L, -2, "__newindex");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
}

}  // namespace

Engine::Engine(const ScriptLimits& limits) : host_{limits} {
  L_ = lua_newstate(&LuaMemory::allocate, &host_.memory);
  if (!L_) stop_at(Limit::memory);
  *static_cast<Host**>(lua_getextraspace(L_)) = &host_;
  lua_atpanic(L_, [](lua_State*) -> int { stop_at(Limit::memory); });
  lua_gc(L_, LUA_GCINC, kCollectorPause, 0, 0);
  count_instructions(L_, limits.instructions);
}

Engine::~Engine() { lua_close(L_); }

// Everything that touches the state runs inside one protected call, so that errors of the language have
// somewhere to go. Memory errors end the process, whoever caught them.
template <class F>
Result<void> Engine::guarded(F work) {
  const auto run = [](lua_State* L) -> int {
    (*static_cast<F*>(lua_touserdata(L, 1)))();
    return 0;
  };
  lua_settop(L_, 0);
  lua_pushcfunction(L_, describe_error);
  lua_pushcfunction(L_, run);
  lua_pushlightuserdata(L_, &work);
  const int status = lua_pcall(L_, 1, 0, 1);
  if (status == LUA_OK) return {};
  if (status != LUA_ERRRUN && status != LUA_ERRERR) stop_at(Limit::memory);
  auto text = error_text(L_);
  lua_settop(L_, 0);
  return fail(Code::script_error, std::move(text));
}

void Engine::start_call() {
  host_.log.clear();
  host_.log_dropped = 0;
  start_instruction_count();
}

std::vector<std::string> Engine::take_log() {
  if (host_.log_dropped > 0)
    host_.log.push_back("(" + std::to_string(host_.log_dropped) + " more lines were not kept)");
  return std::move(host_.log);
}

Result<Entry> Engine::load(const LoadRequest& request) {
  start_call();
  if (!request.output.empty()) {
    const auto batch = data::decode(request.output);
    if (!batch) return batch.error();
    output_ = batch->type;
  }
  auto open = [&] {
    push_environment(L_);
    const int environment = lua_gettop(L_);
    if (const auto problem = push_json(L_, request.context_json))
      luaL_error(L_, "the script's context is %s", text_of(*problem).c_str());
    context_ = luaL_ref(L_, LUA_REGISTRYINDEX);
    const auto name = "=" + printable(request.name, 60);
    if (luaL_loadbufferx(L_, request.source.data(), request.source.size(), name.c_str(), "t") != LUA_OK)
      lua_error(L_);
    lua_pushvalue(L_, environment);
    lua_setupvalue(L_, -2, 1);
    lua_call(L_, 0, 0);
    host_.locked = true;
    lua_pushvalue(L_, environment - 1);
    entry_ = find_entry();
  };
  VMC_CHECK(guarded(open));
  return entry_;
}

// Exactly one of the three, from the globals on top.
Entry Engine::find_entry() {
  std::optional<Entry> found;
  static constexpr std::pair<const char*, Entry> names[] = {{"transform", Entry::transform},
                                                            {"transform_batch", Entry::transform_batch},
                                                            {"filter", Entry::filter}};
  for (const auto& [name, entry] : names) {
    if (lua_getfield(L_, -1, name) != LUA_TFUNCTION) {
      lua_pop(L_, 1);
      continue;
    }
    if (found) luaL_error(L_, "the script defines more than one of transform, transform_batch and filter");
    found = entry;
    function_ = luaL_ref(L_, LUA_REGISTRYINDEX);
  }
  if (!found)
    luaL_error(L_, "the script defines none of the functions transform, transform_batch and filter");
  return *found;
}

// Calls what stands below `arguments`; one result. False with the reason when it raised an error.
bool Engine::call(int arguments, data::RowError& error) {
  const int status = lua_pcall(L_, arguments, 1, 1);  // describe_error stands at the bottom
  if (status == LUA_OK) return true;
  if (status != LUA_ERRRUN && status != LUA_ERRERR) stop_at(Limit::memory);
  error.reason = error_text(L_);
  return false;
}

Result<BatchReply> Engine::run(const data::Batch& batch) {
  start_call();
  BatchReply reply;
  auto work = [&] {
    lua_settop(L_, 0);
    lua_pushcfunction(L_, describe_error);
    if (entry_ == Entry::filter) {
      filter(batch, reply);
    } else if (!output_) {
      luaL_error(L_, "the script was loaded without output columns");
    } else if (entry_ == Entry::transform) {
      transform(batch, reply);
    } else {
      transform_batch(batch, reply);
    }
  };
  VMC_CHECK(guarded(work));
  reply.log = take_log();
  return reply;
}

void Engine::transform(const data::Batch& batch, BatchReply& reply) {
  RowPusher rows{L_, *batch.type};
  RowReader reader{L_, output_, host_.limits.output_bytes};
  lua_rawgeti(L_, LUA_REGISTRYINDEX, function_);
  lua_rawgeti(L_, LUA_REGISTRYINDEX, context_);
  const int context = lua_gettop(L_);
  for (std::size_t row = 0; row < batch.rows; ++row) {
    lua_settop(L_, context);
    data::RowError error{row, "", ""};
    lua_pushvalue(L_, context - 1);
    rows.push(batch, row);
    lua_pushvalue(L_, context);
    auto refusal = call(2, error) ? for_each_row(L_, -1, [&](int index) { return reader.read(index); })
                                  : std::optional<Refusal>{{"", std::move(error.reason)}};
    if (!refusal) {
      reader.commit();
      continue;
    }
    reader.discard();
    reply.refused.push_back({row, std::move(refusal->column), std::move(refusal->reason)});
  }
  reply.chunk = data::encode(reader.finish(), data::Compression::none);
}

void Engine::transform_batch(const data::Batch& batch, BatchReply& reply) {
  RowPusher rows{L_, *batch.type};
  RowReader reader{L_, output_, host_.limits.output_bytes};
  RowList list{L_, batch.rows};
  for (std::size_t row = 0; row < batch.rows; ++row) {
    rows.push(batch, row);
    list.add(row);
  }
  lua_rawgeti(L_, LUA_REGISTRYINDEX, function_);
  list.push();
  lua_rawgeti(L_, LUA_REGISTRYINDEX, context_);
  lua_call(L_, 2, 1);
  reply.refused = list.read_result([&](int index) -> std::optional<Refusal> {
    auto refusal = reader.read(index);
    if (refusal) {
      reader.discard();
    } else {
      reader.commit();
    }
    return refusal;
  });
  reply.chunk = data::encode(reader.finish(), data::Compression::none);
}

void Engine::filter(const data::Batch& batch, BatchReply& reply) {
  RowPusher rows{L_, *batch.type};
  lua_rawgeti(L_, LUA_REGISTRYINDEX, function_);
  lua_rawgeti(L_, LUA_REGISTRYINDEX, context_);
  const int context = lua_gettop(L_);
  reply.keep.resize((batch.rows + 7) / 8);
  for (std::size_t row = 0; row < batch.rows; ++row) {
    lua_settop(L_, context);
    data::RowError error{row, "", ""};
    lua_pushvalue(L_, context - 1);
    rows.push(batch, row);
    lua_pushvalue(L_, context);
    if (!call(2, error)) {
      reply.refused.push_back(std::move(error));
    } else if (!lua_isboolean(L_, -1)) {
      reply.refused.push_back(
          {row, "", std::string{"filter returned "} + kind_of(L_, -1) + ", not a boolean"});
    } else if (lua_toboolean(L_, -1)) {
      reply.keep[row >> 3] |= static_cast<std::uint8_t>(1u << (row & 7));
    }
  }
}

Result<LinesReply> Engine::run_lines(std::string_view ndjson) {
  start_call();
  LinesReply reply;
  auto work = [&] {
    lua_settop(L_, 0);
    lua_pushcfunction(L_, describe_error);
    lua_rawgeti(L_, LUA_REGISTRYINDEX, function_);
    lua_rawgeti(L_, LUA_REGISTRYINDEX, context_);
    LineRunner{L_, entry_, host_.limits.output_bytes, reply}.run(ndjson);
  };
  VMC_CHECK(guarded(work));
  reply.log = take_log();
  return reply;
}

}  // namespace vmc::script
