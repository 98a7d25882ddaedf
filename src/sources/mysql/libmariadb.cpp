#include "sources/mysql/libmariadb.hpp"

#include <dlfcn.h>

#include <mutex>
#include <string>

#include <fmt/format.h>

namespace {

// Every function of the library that vmc calls: name, result, parameters, arguments.
#define VMC_LIBMARIADB(X) \
  X(mariadb_field_attr, int, (MARIADB_CONST_STRING* attr, const MYSQL_FIELD* field, enum mariadb_field_attr_t type), \
    (attr, field, type)) \
  X(mysql_affected_rows, my_ulonglong, (MYSQL* mysql), (mysql)) \
  X(mysql_close, void, (MYSQL* mysql), (mysql)) \
  X(mysql_errno, unsigned int, (MYSQL* mysql), (mysql)) \
  X(mysql_error, const char*, (MYSQL* mysql), (mysql)) \
  X(mysql_fetch_fields, MYSQL_FIELD*, (MYSQL_RES* res), (res)) \
  X(mysql_free_result, void, (MYSQL_RES* res), (res)) \
  X(mysql_get_server_info, char*, (MYSQL* mysql), (mysql)) \
  X(mysql_get_socket, my_socket, (MYSQL* mysql), (mysql)) \
  X(mysql_get_ssl_cipher, const char*, (MYSQL* mysql), (mysql)) \
  X(mysql_init, MYSQL*, (MYSQL* mysql), (mysql)) \
  X(mysql_num_fields, unsigned int, (MYSQL_RES* res), (res)) \
  X(mysql_options, int, (MYSQL* mysql, enum mysql_option option, const void* arg), (mysql, option, arg)) \
  X(mysql_real_connect, MYSQL*, (MYSQL* mysql, const char* host, const char* user, const char* password, \
    const char* database, unsigned int port, const char* socket, unsigned long flags), \
    (mysql, host, user, password, database, port, socket, flags)) \
  X(mysql_real_query, int, (MYSQL* mysql, const char* text, unsigned long size), (mysql, text, size)) \
  X(mysql_reset_connection, int, (MYSQL* mysql), (mysql)) \
  X(mysql_server_init, int, (int argc, char** argv, char** groups), (argc, argv, groups)) \
  X(mysql_set_local_infile_handler, void, (MYSQL* mysql, int (*init)(void**, const char*, void*), \
    int (*read)(void*, char*, unsigned int), void (*end)(void*), int (*error)(void*, char*, unsigned int), \
    void* data), \
    (mysql, init, read, end, error, data)) \
  X(mysql_sqlstate, const char*, (MYSQL* mysql), (mysql)) \
  X(mysql_stmt_affected_rows, unsigned long long, (MYSQL_STMT* stmt), (stmt)) \
  X(mysql_stmt_attr_set, my_bool, (MYSQL_STMT* stmt, enum enum_stmt_attr_type type, const void* value), \
    (stmt, type, value)) \
  X(mysql_stmt_bind_param, my_bool, (MYSQL_STMT* stmt, MYSQL_BIND* bind), (stmt, bind)) \
  X(mysql_stmt_close, my_bool, (MYSQL_STMT* stmt), (stmt)) \
  X(mysql_stmt_errno, unsigned int, (MYSQL_STMT* stmt), (stmt)) \
  X(mysql_stmt_error, const char*, (MYSQL_STMT* stmt), (stmt)) \
  X(mysql_stmt_execute, int, (MYSQL_STMT* stmt), (stmt)) \
  X(mysql_stmt_fetch, int, (MYSQL_STMT* stmt), (stmt)) \
  X(mysql_stmt_field_count, unsigned int, (MYSQL_STMT* stmt), (stmt)) \
  X(mysql_stmt_free_result, my_bool, (MYSQL_STMT* stmt), (stmt)) \
  X(mysql_stmt_init, MYSQL_STMT*, (MYSQL* mysql), (mysql)) \
  X(mysql_stmt_param_count, unsigned long, (MYSQL_STMT* stmt), (stmt)) \
  X(mysql_stmt_prepare, int, (MYSQL_STMT* stmt, const char* text, unsigned long size), (stmt, text, size)) \
  X(mysql_stmt_result_metadata, MYSQL_RES*, (MYSQL_STMT* stmt), (stmt)) \
  X(mysql_stmt_sqlstate, const char*, (MYSQL_STMT* stmt), (stmt)) \
  X(mysql_thread_id, unsigned long, (MYSQL* mysql), (mysql)) \
  X(mysql_warning_count, unsigned int, (MYSQL* mysql), (mysql))

struct Functions {
#define VMC_MEMBER(name, result, parameters, arguments) decltype(&::name) name = nullptr;
  VMC_LIBMARIADB(VMC_MEMBER)
#undef VMC_MEMBER
};

Functions libmariadb;  // written once, by load_libmariadb()

// What is missing; empty when all is there.
std::string load() {
  void* library = dlopen("libmariadb.so.3", RTLD_NOW | RTLD_LOCAL);  // for good
  if (!library) return dlerror();
#define VMC_FIND(name, result, parameters, arguments)                           \
  libmariadb.name = reinterpret_cast<decltype(&::name)>(dlsym(library, #name)); \
  if (!libmariadb.name) return #name " is not in it";
  VMC_LIBMARIADB(VMC_FIND)
#undef VMC_FIND
  if (libmariadb.mysql_server_init(0, nullptr, nullptr) != 0) return "it does not start";
  return {};
}

}  // namespace

#define VMC_FORWARD(name, result, parameters, arguments) \
  extern "C" result STDCALL name parameters { return libmariadb.name arguments; }
VMC_LIBMARIADB(VMC_FORWARD)
#undef VMC_FORWARD

namespace vmc::sources::mysql {

Result<void> load_libmariadb() {
  static std::mutex mutex;
  static bool loaded = false;
  const std::lock_guard lock{mutex};
  if (loaded) return {};
  const std::string missing = load();
  loaded = missing.empty();
  if (loaded) return {};
  return fail(Code::unavailable,
              fmt::format("the client library of MySQL and MariaDB, MariaDB Connector/C 3.1 or newer, cannot be "
                          "loaded: {}",
                          missing),
              "Install it: apt-get install libmariadb3");
}

}  // namespace vmc::sources::mysql
