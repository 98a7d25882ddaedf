#include "sources/mssql/dblib.hpp"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <mutex>

#include <fmt/format.h>

namespace {

// Every function of DB-Library that vmc calls: name, result, parameters, arguments.
// clang-format off
#define VMC_DBLIB(X) \
  X(bcp_bind, RETCODE, (DBPROCESS* p, BYTE* var, int prefix, DBINT len, BYTE* term, int termlen, int type, int col), (p, var, prefix, len, term, termlen, type, col)) \
  X(bcp_collen, RETCODE, (DBPROCESS* p, DBINT len, int col), (p, len, col)) \
  X(bcp_colptr, RETCODE, (DBPROCESS* p, BYTE* ptr, int col), (p, ptr, col)) \
  X(bcp_done, DBINT, (DBPROCESS* p), (p)) \
  X(bcp_init, RETCODE, (DBPROCESS* p, const char* table, const char* file, const char* errors, int direction), (p, table, file, errors, direction)) \
  X(bcp_sendrow, RETCODE, (DBPROCESS* p), (p)) \
  X(dbcancel, RETCODE, (DBPROCESS* p), (p)) \
  X(dbclose, void, (DBPROCESS* p), (p)) \
  X(dbcmd, RETCODE, (DBPROCESS* p, const char text[]), (p, text)) \
  X(dbcolname, char*, (DBPROCESS* p, int col), (p, col)) \
  X(dbcoltype, int, (DBPROCESS* p, int col), (p, col)) \
  X(dbcoltypeinfo, DBTYPEINFO*, (DBPROCESS* p, int col), (p, col)) \
  X(dbdata, BYTE*, (DBPROCESS* p, int col), (p, col)) \
  X(dbdatlen, DBINT, (DBPROCESS* p, int col), (p, col)) \
  X(dbdead, DBBOOL, (DBPROCESS* p), (p)) \
  X(dberrhandle, EHANDLEFUNC, (EHANDLEFUNC handler), (handler)) \
  X(dbfreebuf, void, (DBPROCESS* p), (p)) \
  X(dbgetuserdata, BYTE*, (DBPROCESS* p), (p)) \
  X(dbinit, RETCODE, (void), ()) \
  X(dbiordesc, int, (DBPROCESS* p), (p)) \
  X(dblogin, LOGINREC*, (void), ()) \
  X(dbloginfree, void, (LOGINREC* login), (login)) \
  X(dbmsghandle, MHANDLEFUNC, (MHANDLEFUNC handler), (handler)) \
  X(dbnextrow, STATUS, (DBPROCESS* p), (p)) \
  X(dbnumcols, int, (DBPROCESS* p), (p)) \
  X(dbresults, RETCODE, (DBPROCESS* p), (p)) \
  X(dbrpcinit, RETCODE, (DBPROCESS* p, const char name[], DBSMALLINT options), (p, name, options)) \
  X(dbrpcparam, RETCODE, (DBPROCESS* p, const char name[], BYTE status, int type, DBINT max, DBINT len, BYTE* value), (p, name, status, type, max, len, value)) \
  X(dbrpcsend, RETCODE, (DBPROCESS* p), (p)) \
  X(dbsetifile, void, (char* file), (file)) \
  X(dbsetinterrupt, void, (DBPROCESS* p, DB_DBCHKINTR_FUNC check, DB_DBHNDLINTR_FUNC handle), (p, check, handle)) \
  X(dbsetlbool, RETCODE, (LOGINREC* login, int value, int which), (login, value, which)) \
  X(dbsetlname, RETCODE, (LOGINREC* login, const char* value, int which), (login, value, which)) \
  X(dbsetuserdata, void, (DBPROCESS* p, BYTE* data), (p, data)) \
  X(dbsqlok, RETCODE, (DBPROCESS* p), (p)) \
  X(dbsqlsend, RETCODE, (DBPROCESS* p), (p)) \
  X(tdsdbopen, DBPROCESS*, (LOGINREC* login, const char* server, int msdblib), (login, server, msdblib))
// clang-format on

struct Functions {
#define VMC_MEMBER(name, result, parameters, arguments) decltype(&::name) name = nullptr;
  VMC_DBLIB(VMC_MEMBER)
#undef VMC_MEMBER
};

Functions dblib;  // written once, by load_dblib()

// What is missing; empty when all is there.
std::string load() {
  void* library = dlopen("libsybdb.so.5", RTLD_NOW | RTLD_LOCAL);  // for good
  if (!library) return dlerror();
#define VMC_FIND(name, result, parameters, arguments)                      \
  dblib.name = reinterpret_cast<decltype(&::name)>(dlsym(library, #name)); \
  if (!dblib.name) return #name " is not in it";
  VMC_DBLIB(VMC_FIND)
#undef VMC_FIND
  return {};
}

thread_local vmc::sources::mssql::Said* listener = nullptr;

extern "C" int vmc_mssql_message(DBPROCESS*, DBINT number, int, int severity, char* text, char*, char*, int line) {
  if (!listener || severity <= 10 || listener->number != 0) return 0;
  listener->number = number;
  listener->line = line;
  listener->text = text ? text : "";
  return 0;
}

extern "C" int vmc_mssql_error(DBPROCESS*, int, int error, int os_error, char* text, char*) {
  if (!listener) return INT_CANCEL;
  if (error >= SYBEICONVIU && error <= SYBEICONV2BIG) listener->text_lost = true;
  if (error == SYBETIME && listener->waited) return listener->waited(listener->who);
  if (error != SYBESMSG && listener->client == 0) {
    listener->client = error;
    listener->os_error = os_error;
    listener->client_text = text ? text : "";
  }
  return INT_CANCEL;
}

// The configuration all connections are described in: only ever added to.
class Configuration {
 public:
  // What is missing; empty when it stands.
  std::string open() {
    file_ = memfd_create("vmc-freetds", MFD_CLOEXEC);
    if (file_ < 0) return "no memory for its configuration";
    auto path = fmt::format("/proc/self/fd/{}", file_);
    dbsetifile(path.data());
    return {};
  }

  std::optional<std::string> name_of(const std::string& body) {
    const std::lock_guard lock{mutex_};
    if (const auto known = names_.find(body); known != names_.end()) return known->second;
    const auto name = fmt::format("vmc{}", names_.size() + 1);
    const auto section = fmt::format("[{}]\n{}", name, body);
    if (write(file_, section.data(), section.size()) != static_cast<ssize_t>(section.size())) return std::nullopt;
    names_.emplace(body, name);
    return name;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::string> names_;
  int file_ = -1;
};

Configuration& configuration() {
  static auto* one = new Configuration;  // connections may still open while the program ends
  return *one;
}

}  // namespace

#define VMC_FORWARD(name, result, parameters, arguments) \
  extern "C" result name parameters { return dblib.name arguments; }
VMC_DBLIB(VMC_FORWARD)
#undef VMC_FORWARD

namespace vmc::sources::mssql {

Result<void> load_dblib() {
  static std::mutex mutex;
  static bool loaded = false;
  const std::lock_guard lock{mutex};
  if (loaded) return {};
  // The library lets these override what a connection says.
  for (const char* name : {"TDSHOST", "TDSPORT", "TDSVER", "TDSDUMP", "TDSDUMPCONFIG"})
    if (std::getenv(name))
      return fail(Code::unavailable,
                  fmt::format("the environment variable {} would redirect or record connections", name),
                  "Start vmc without it.");
  std::string missing = load();
  if (missing.empty() && dbinit() != SUCCEED) missing = "it does not initialise";
  if (missing.empty()) missing = configuration().open();
  if (!missing.empty())
    return fail(Code::unavailable,
                fmt::format("the client library of SQL Server, FreeTDS' DB-Library, cannot be loaded: {}", missing),
                "Install it: apt-get install libsybdb5");
  dberrhandle(vmc_mssql_error);
  dbmsghandle(vmc_mssql_message);
  loaded = true;
  return {};
}

Listening::Listening(Said& said) : before_{std::exchange(listener, &said)} {}
Listening::~Listening() { listener = before_; }

Result<std::string> section_for(const ServerSettings& settings, Duration timeout) {
  const bool verify = settings.sslmode.starts_with("verify-");
  const std::string_view encryption = settings.sslmode == "disable"             ? "off"
                                      : settings.sslmode == "require" || verify ? "require"
                                                                                : "request";
  auto body = fmt::format(
      "\thost = {}\n\tport = {}\n\ttds version = 7.4\n\tclient charset = UTF-8\n\tencryption = {}\n"
      "\tconnect timeout = {}\n",
      settings.host, settings.port, encryption,
      std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(timeout).count()));
  if (verify) body += "\tca file = /etc/ssl/certs/ca-certificates.crt\n";
  if (verify)
    body += fmt::format("\tcheck certificate hostname = {}\n", settings.sslmode == "verify-full" ? "yes" : "no");
  if (auto name = configuration().name_of(body)) return *name;
  return fail(Code::unavailable, "memory for the connection's settings ran out");
}

}  // namespace vmc::sources::mssql
