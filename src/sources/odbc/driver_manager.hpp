// unixODBC's driver manager, loaded when the first connection needs it. Its functions stand in a table and
// not under their own names: drivers define the same names, and must not find ours.
#pragma once

#include <sql.h>
#include <sqlext.h>
#include <sqlucode.h>

#include "core/result.hpp"

namespace vmc::sources::odbc {

// What is not ANSI travels as UTF-16: a driver turns SQL_C_CHAR into the process's locale, which is C.
// clang-format off
#define VMC_ODBC(X) \
  X(SQLAllocHandle) X(SQLFreeHandle) X(SQLSetEnvAttr) X(SQLSetConnectAttrW) X(SQLGetConnectAttrW) X(SQLSetStmtAttrW) \
  X(SQLDriverConnectW) X(SQLDisconnect) X(SQLEndTran) X(SQLCancel) X(SQLGetInfoW) X(SQLGetDiagRecW) \
  X(SQLExecDirectW) X(SQLBindParameter) X(SQLNumResultCols) X(SQLDescribeColW) X(SQLBindCol) \
  X(SQLFetch) X(SQLGetData) X(SQLTablesW) X(SQLColumnsW) X(SQLPrimaryKeysW) X(SQLForeignKeysW) X(SQLStatisticsW) \
  X(SQLTablePrivilegesW)
// clang-format on

struct DriverManager {
#define VMC_MEMBER(name) decltype(&::name) name = nullptr;
  VMC_ODBC(VMC_MEMBER)
#undef VMC_MEMBER
};

// UNAVAILABLE when it is not installed.
Result<void> load_driver_manager();
const DriverManager& driver_manager();  // after load_driver_manager()

}  // namespace vmc::sources::odbc
