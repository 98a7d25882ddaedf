// How a script is stopped inside its process: the process says why and ends. There is nothing a script could
// catch, no finaliser that runs, and no state to be repaired.
#pragma once

#include <lua.hpp>

#include "script/frames.hpp"
#include "script/sandbox.hpp"

namespace vmc::script {

// Tells the parent and ends the process. Safe in a signal handler.
[[noreturn]] void stop_at(Limit limit) noexcept;

// Called once, before the system calls are taken away: what happens when CPU time or the heap is used up.
void install_limit_handlers();

// Around one call: user and system time of the process.
void start_cpu_clock(Duration limit);
void stop_cpu_clock();

// Counts instructions of a state and its coroutines; the count starts again with every call.
void count_instructions(lua_State* L, std::uint64_t limit);
void start_instruction_count();

// The descriptor that stop_at() writes to.
void write_fully(ByteView bytes) noexcept;

}  // namespace vmc::script
