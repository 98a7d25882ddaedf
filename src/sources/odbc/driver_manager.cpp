#include "sources/odbc/driver_manager.hpp"

#include <dlfcn.h>

#include <mutex>
#include <string>

#include <fmt/format.h>

namespace vmc::sources::odbc {
namespace {

DriverManager manager;  // written once, by load_driver_manager()

// What is missing; empty when all is there.
std::string load() {
  void* library = dlopen("libodbc.so.2", RTLD_NOW | RTLD_LOCAL);  // for good
  if (!library) return dlerror();
#define VMC_FIND(name)                                                       \
  manager.name = reinterpret_cast<decltype(&::name)>(dlsym(library, #name)); \
  if (!manager.name) return #name " is not in it";
  VMC_ODBC(VMC_FIND)
#undef VMC_FIND
  return {};
}

}  // namespace

const DriverManager& driver_manager() { return manager; }

Result<void> load_driver_manager() {
  static std::mutex mutex;
  static bool loaded = false;
  const std::lock_guard lock{mutex};
  if (loaded) return {};
  const std::string missing = load();
  loaded = missing.empty();
  if (loaded) return {};
  return fail(Code::unavailable,
              fmt::format("ODBC's driver manager, unixODBC, cannot be loaded: {}", missing),
              "Install it and the database's driver: apt-get install libodbc2");
}

}  // namespace vmc::sources::odbc
