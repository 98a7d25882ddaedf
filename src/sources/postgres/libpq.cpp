#include "sources/postgres/libpq.hpp"

#include <dlfcn.h>

#include <mutex>
#include <string>

#include <fmt/format.h>

namespace {

// Every function of libpq that vmc calls: name, result, parameters, arguments.
#define VMC_LIBPQ(X) \
  X(PQcancel, int, (PGcancel* cancel, char* errbuf, int errbufsize), (cancel, errbuf, errbufsize)) \
  X(PQclear, void, (PGresult* res), (res)) \
  X(PQcmdStatus, char*, (PGresult* res), (res)) \
  X(PQcmdTuples, char*, (PGresult* res), (res)) \
  X(PQconnectPoll, PostgresPollingStatusType, (PGconn* conn), (conn)) \
  X(PQconnectStartParams, PGconn*, (const char* const* keywords, const char* const* values, int expand_dbname), (keywords, values, expand_dbname)) \
  X(PQconsumeInput, int, (PGconn* conn), (conn)) \
  X(PQenterPipelineMode, int, (PGconn* conn), (conn)) \
  X(PQerrorMessage, char*, (const PGconn* conn), (conn)) \
  X(PQexitPipelineMode, int, (PGconn* conn), (conn)) \
  X(PQfinish, void, (PGconn* conn), (conn)) \
  X(PQflush, int, (PGconn* conn), (conn)) \
  X(PQfreeCancel, void, (PGcancel* cancel), (cancel)) \
  X(PQfreemem, void, (void* memory), (memory)) \
  X(PQgetCancel, PGcancel*, (PGconn* conn), (conn)) \
  X(PQgetCopyData, int, (PGconn* conn, char** buffer, int async), (conn, buffer, async)) \
  X(PQgetisnull, int, (const PGresult* res, int tup_num, int field_num), (res, tup_num, field_num)) \
  X(PQgetlength, int, (const PGresult* res, int tup_num, int field_num), (res, tup_num, field_num)) \
  X(PQgetResult, PGresult*, (PGconn* conn), (conn)) \
  X(PQgetvalue, char*, (const PGresult* res, int tup_num, int field_num), (res, tup_num, field_num)) \
  X(PQisBusy, int, (PGconn* conn), (conn)) \
  X(PQfmod, int, (const PGresult* res, int field_num), (res, field_num)) \
  X(PQfname, char*, (const PGresult* res, int field_num), (res, field_num)) \
  X(PQftype, Oid, (const PGresult* res, int field_num), (res, field_num)) \
  X(PQnparams, int, (const PGresult* res), (res)) \
  X(PQnfields, int, (const PGresult* res), (res)) \
  X(PQntuples, int, (const PGresult* res), (res)) \
  X(PQparameterStatus, const char*, (const PGconn* conn, const char* paramName), (conn, paramName)) \
  X(PQpipelineSync, int, (PGconn* conn), (conn)) \
  X(PQputCopyData, int, (PGconn* conn, const char* buffer, int nbytes), (conn, buffer, nbytes)) \
  X(PQputCopyEnd, int, (PGconn* conn, const char* errormsg), (conn, errormsg)) \
  X(PQresultErrorField, char*, (const PGresult* res, int fieldcode), (res, fieldcode)) \
  X(PQresultStatus, ExecStatusType, (const PGresult* res), (res)) \
  X(PQsendDescribePrepared, int, (PGconn* conn, const char* stmt), (conn, stmt)) \
  X(PQsendPrepare, int, (PGconn* conn, const char* stmtName, const char* query, int nParams, const Oid* paramTypes), \
    (conn, stmtName, query, nParams, paramTypes)) \
  X(PQsendQueryParams, int, (PGconn* conn, const char* command, int nParams, const Oid* paramTypes, const char* const* paramValues, const int* paramLengths, const int* paramFormats, int resultFormat), (conn, command, nParams, paramTypes, paramValues, paramLengths, paramFormats, resultFormat)) \
  X(PQserverVersion, int, (const PGconn* conn), (conn)) \
  X(PQsetErrorVerbosity, PGVerbosity, (PGconn* conn, PGVerbosity verbosity), (conn, verbosity)) \
  X(PQsetnonblocking, int, (PGconn* conn, int arg), (conn, arg)) \
  X(PQsetNoticeReceiver, PQnoticeReceiver, (PGconn* conn, PQnoticeReceiver proc, void* arg), (conn, proc, arg)) \
  X(PQsetSingleRowMode, int, (PGconn* conn), (conn)) \
  X(PQsocket, int, (const PGconn* conn), (conn)) \
  X(PQsslInUse, int, (PGconn* conn), (conn)) \
  X(PQstatus, ConnStatusType, (const PGconn* conn), (conn)) \
  X(PQtransactionStatus, PGTransactionStatusType, (const PGconn* conn), (conn))

struct Functions {
#define VMC_MEMBER(name, result, parameters, arguments) decltype(&::name) name = nullptr;
  VMC_LIBPQ(VMC_MEMBER)
#undef VMC_MEMBER
};

Functions libpq;  // written once, by load_libpq()

// What is missing; empty when all is there.
std::string load() {
  void* library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);  // for good
  if (!library) return dlerror();
#define VMC_FIND(name, result, parameters, arguments)                      \
  libpq.name = reinterpret_cast<decltype(&::name)>(dlsym(library, #name)); \
  if (!libpq.name) return #name " is not in it";
  VMC_LIBPQ(VMC_FIND)
#undef VMC_FIND
  return {};
}

}  // namespace

#define VMC_FORWARD(name, result, parameters, arguments) \
  extern "C" result name parameters { return libpq.name arguments; }
VMC_LIBPQ(VMC_FORWARD)
#undef VMC_FORWARD

namespace vmc::sources::postgres {

Result<void> load_libpq() {
  static std::mutex mutex;
  static bool loaded = false;
  const std::lock_guard lock{mutex};
  if (loaded) return {};
  const std::string missing = load();
  loaded = missing.empty();
  if (loaded) return {};
  return fail(Code::unavailable,
              fmt::format("the client library of PostgreSQL, libpq 14 or newer, cannot be loaded: {}", missing),
              "Install it: apt-get install libpq5");
}

}  // namespace vmc::sources::postgres
