# Everything comes from Debian 12; installer/packages.txt is the list that installs it.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(PostgreSQL 15 REQUIRED)
add_library(libpq_headers INTERFACE)  # the library itself is loaded when it is needed
target_include_directories(libpq_headers SYSTEM INTERFACE ${PostgreSQL_INCLUDE_DIRS})
find_path(mariadb_include mysql.h PATH_SUFFIXES mariadb REQUIRED)
add_library(libmariadb_headers INTERFACE)  # loaded when it is needed, as libpq is
target_include_directories(libmariadb_headers SYSTEM INTERFACE ${mariadb_include})
find_library(mariadb_library mariadb REQUIRED)
add_library(libmariadb_test INTERFACE)  # tests speak to their server through all of it
target_link_libraries(libmariadb_test INTERFACE libmariadb_headers ${mariadb_library})
find_path(freetds_include sybdb.h REQUIRED)
add_library(freetds_headers INTERFACE)  # loaded likewise
target_include_directories(freetds_headers SYSTEM INTERFACE ${freetds_include})
find_path(odbc_include sqlext.h REQUIRED)
add_library(odbc_headers INTERFACE)  # unixODBC, loaded likewise
target_include_directories(odbc_headers SYSTEM INTERFACE ${odbc_include})
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(date REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(tomlplusplus REQUIRED)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
# Lua built as C++: its errors are exceptions, so destructors run.
# Linked statically: each row crosses its interface dozens of times.
pkg_check_modules(lua REQUIRED lua5.4-c++)
find_library(lua_static liblua5.4-c++.a REQUIRED)
add_library(lua INTERFACE)
target_include_directories(lua SYSTEM INTERFACE ${lua_INCLUDE_DIRS})
target_link_libraries(lua INTERFACE ${lua_static} m dl)
# PostgreSQL's own grammar. Linked statically: only its pages that parsing touches are resident.
find_library(pg_query_static libpg_query.a REQUIRED)
find_path(pg_query_include pg_query.h REQUIRED)
add_library(pg_query INTERFACE)
target_include_directories(pg_query SYSTEM INTERFACE ${pg_query_include})
target_link_libraries(pg_query INTERFACE ${pg_query_static} m)
find_package(simdjson REQUIRED)
pkg_check_modules(seccomp REQUIRED IMPORTED_TARGET libseccomp)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
