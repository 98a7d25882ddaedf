// FreeTDS' DB-Library, loaded when the first connection needs it, as libpq is. Its error and message handlers, its
// login time and its configuration file belong to the whole process: they are set here, once, and nowhere else.
//
// What the handlers are told goes to the Said of the thread that is inside the library (Listening); without one it is
// dropped. Each connection is described by a section of a configuration of our own that lives in memory, so that no
// freetds.conf of the machine or the user has a say.
#pragma once

#include <sybfront.h>
// Order matters: sybdb.h needs what sybfront.h defines.
#include <sybdb.h>

#include <chrono>
#include <string>

#include "core/result.hpp"
#include "sources/source.hpp"

namespace vmc::sources::mssql {

// Before anything else of DB-Library is called. UNAVAILABLE when it is not installed.
Result<void> load_dblib();

// The first thing the server, and the first thing the library, complained of.
struct Said {
  int number = 0;    // the server's error; 0: none
  int line = 0;      // of the statement
  std::string text;  // the server's words; may quote rows
  int client = 0;    // the library's own error (SYBE…)
  int os_error = 0;
  std::string client_text;
  bool text_lost = false;  // a character could not be converted
  // What to answer when the library has waited long enough: INT_CANCEL closes the connection.
  int (*waited)(void* who) = nullptr;
  void* who = nullptr;
};

class Listening {
 public:
  explicit Listening(Said& said);
  ~Listening();
  Listening(const Listening&) = delete;

 private:
  Said* before_;
};

// The name under which a connection of these settings is opened.
Result<std::string> section_for(const ServerSettings& settings, Duration timeout);

}  // namespace vmc::sources::mssql
