#include "sql/guard/mysql/functions.hpp"

#include <algorithm>
#include <array>

namespace vmc::sql::mysql {
namespace {

using enum Shape;
using enum Spelling;

// Left out, each for what it does:
// - SLEEP, BENCHMARK, MASTER_POS_WAIT and the other waits, GET_LOCK and its kin: hold the server or other sessions up;
// - LOAD_FILE, DES_ENCRYPT, DES_DECRYPT, ENCRYPT: reach files of the server or its operating system;
// - NEXTVAL, SETVAL, LASTVAL, and DEFAULT(column), which evaluates the column's default: use sequences up;
// - PS_THREAD_ID, STATEMENT_DIGEST_TEXT, ROLES_GRAPHML, DECODE_HISTOGRAM, GET_DD_…, CAN_ACCESS_…, INTERNAL_…: tell of
//   other sessions, accounts and statistics;
// - keyring, firewall, audit, masking, replication, Spider and version token functions: belong to plugins;
// - names that only some versions know as built-in and that people give to functions of their own (AREA, CONTAINS,
//   DISTANCE, TRUNC, X, Y).
constexpr auto kFunctions = std::to_array<Function>({
    // clang-format off
    {"abs", plain, any}, {"acos", plain, any}, {"add_months", plain, any}, {"adddate", plain, glued},
    {"addtime", plain, any}, {"aes_decrypt", plain, any}, {"aes_encrypt", plain, any}, {"any_value", plain, any},
    {"ascii", plain, keyword}, {"asin", plain, any}, {"astext", plain, any}, {"atan", plain, any},
    {"atan2", plain, any}, {"avg", aggregate, keyword}, {"bin", plain, any}, {"bin_to_uuid", plain, any},
    {"bit_and", aggregate, glued}, {"bit_count", plain, any}, {"bit_length", plain, any},
    {"bit_or", aggregate, glued}, {"bit_xor", aggregate, glued}, {"cast", cast, glued}, {"ceil", plain, any},
    {"ceiling", plain, any}, {"char", characters, keyword}, {"char_length", plain, any},
    {"character_length", plain, any}, {"charset", plain, keyword}, {"chr", plain, any},
    {"coalesce", plain, keyword}, {"coercibility", plain, any}, {"collation", plain, keyword},
    {"column_add", column_pairs, keyword}, {"column_check", plain, any}, {"column_create", column_pairs, keyword},
    {"column_delete", plain, keyword}, {"column_exists", plain, any}, {"column_get", column_get, keyword},
    {"column_json", plain, any}, {"column_list", plain, any}, {"compress", plain, any}, {"concat", plain, any},
    {"concat_operator_oracle", plain, any}, {"concat_ws", plain, any}, {"connection_id", plain, any},
    {"conv", plain, any}, {"convert", convert, keyword}, {"convert_tz", plain, any}, {"cos", plain, any},
    {"cot", plain, any}, {"count", aggregate, glued}, {"crc32", plain, any}, {"crc32c", plain, any},
    {"cume_dist", window, glued}, {"curdate", plain, glued}, {"current_date", plain, keyword},
    {"current_role", plain, keyword}, {"current_time", plain, keyword}, {"current_timestamp", plain, keyword},
    {"current_user", plain, keyword}, {"curtime", plain, glued}, {"database", plain, keyword},
    {"date", plain, keyword}, {"date_add", plain, glued}, {"date_format", plain, any}, {"date_sub", plain, glued},
    {"datediff", plain, any}, {"day", plain, keyword}, {"dayname", plain, any}, {"dayofmonth", plain, any},
    {"dayofweek", plain, any}, {"dayofyear", plain, any}, {"decode", plain, glued}, {"decode_oracle", plain, any},
    {"degrees", plain, any}, {"dense_rank", window, glued}, {"elt", plain, any}, {"encode", plain, any},
    {"etag", plain, any}, {"exp", plain, any}, {"export_set", plain, any}, {"extract", extract, glued},
    {"extractvalue", plain, any}, {"field", plain, any}, {"find_in_set", plain, any},
    {"first_value", window, glued}, {"floor", plain, any}, {"format", plain, keyword}, {"format_bytes", plain, any},
    {"format_pico_time", plain, any}, {"found_rows", plain, any}, {"from_base64", plain, any},
    {"from_days", plain, any}, {"from_unixtime", plain, any}, {"from_vector", plain, any},
    {"geomcollection", plain, keyword}, {"geometrycollection", plain, keyword}, {"geomfromtext", plain, any},
    {"get_format", get_format, keyword}, {"greatest", plain, any}, {"group_concat", ordered_aggregate, glued},
    {"grouping", plain, keyword}, {"hex", plain, any}, {"hour", plain, keyword}, {"icu_version", plain, any},
    {"if", plain, keyword}, {"ifnull", plain, any}, {"inet6_aton", plain, any}, {"inet6_ntoa", plain, any},
    {"inet_aton", plain, any}, {"inet_ntoa", plain, any}, {"insert", plain, keyword}, {"instr", plain, any},
    {"is_ipv4", plain, any}, {"is_ipv4_compat", plain, any}, {"is_ipv4_mapped", plain, any},
    {"is_ipv6", plain, any}, {"is_uuid", plain, any}, {"isnull", plain, any}, {"json_array", plain, any},
    {"json_array_append", plain, any}, {"json_array_insert", plain, any}, {"json_array_intersect", plain, any},
    {"json_arrayagg", ordered_aggregate, glued}, {"json_compact", plain, any}, {"json_contains", plain, any},
    {"json_contains_path", plain, any}, {"json_depth", plain, any}, {"json_detailed", plain, any},
    {"json_equals", plain, any}, {"json_exists", plain, any}, {"json_extract", plain, any},
    {"json_insert", plain, any}, {"json_key_value", plain, any}, {"json_keys", plain, any},
    {"json_length", plain, any}, {"json_loose", plain, any}, {"json_merge", plain, any},
    {"json_merge_patch", plain, any}, {"json_merge_preserve", plain, any}, {"json_normalize", plain, any},
    {"json_object", plain, any}, {"json_object_filter_keys", plain, any}, {"json_object_to_array", plain, any},
    {"json_objectagg", aggregate, glued}, {"json_overlaps", plain, any}, {"json_pretty", plain, any},
    {"json_query", plain, any}, {"json_quote", plain, any}, {"json_remove", plain, any},
    {"json_replace", plain, any}, {"json_schema_valid", plain, any}, {"json_schema_validation_report", plain, any},
    {"json_search", plain, any}, {"json_set", plain, any}, {"json_storage_free", plain, any},
    {"json_storage_size", plain, any}, {"json_type", plain, any}, {"json_unquote", plain, any},
    {"json_valid", plain, any}, {"json_value", json_value, keyword}, {"lag", window, glued},
    {"last_day", plain, any}, {"last_insert_id", no_arguments, any}, {"last_value", window, keyword},
    {"lcase", plain, any}, {"lead", window, glued}, {"least", plain, any}, {"left", plain, keyword},
    {"length", plain, any}, {"lengthb", plain, any}, {"linestring", plain, keyword}, {"ln", plain, any},
    {"localtime", plain, keyword}, {"localtimestamp", plain, keyword}, {"locate", plain, any},
    {"log", plain, keyword}, {"log10", plain, any}, {"log2", plain, any}, {"lower", plain, any},
    {"lpad", plain, any}, {"lpad_oracle", plain, any}, {"ltrim", plain, any}, {"ltrim_oracle", plain, any},
    {"make_set", plain, any}, {"makedate", plain, any}, {"maketime", plain, any}, {"max", aggregate, glued},
    {"mbrcontains", plain, any}, {"mbrcoveredby", plain, any}, {"mbrcovers", plain, any},
    {"mbrdisjoint", plain, any}, {"mbrequal", plain, any}, {"mbrequals", plain, any},
    {"mbrintersects", plain, any}, {"mbroverlaps", plain, any}, {"mbrtouches", plain, any},
    {"mbrwithin", plain, any}, {"md5", plain, any}, {"median", aggregate, glued}, {"microsecond", plain, keyword},
    {"mid", substring, glued}, {"min", aggregate, glued}, {"minute", plain, keyword}, {"mod", plain, keyword},
    {"month", plain, keyword}, {"monthname", plain, any}, {"multilinestring", plain, keyword},
    {"multipoint", plain, keyword}, {"multipolygon", plain, keyword}, {"name_const", plain, any},
    {"natural_sort_key", plain, any}, {"now", plain, glued}, {"nth_value", window, glued}, {"ntile", window, glued},
    {"nullif", plain, any}, {"nvl", plain, any}, {"nvl2", plain, any}, {"oct", plain, any},
    {"octet_length", plain, any}, {"old_password", plain, any}, {"ord", plain, any}, {"password", plain, keyword},
    {"percent_rank", window, glued}, {"percentile_cont", percentile, glued}, {"percentile_disc", percentile, glued},
    {"period_add", plain, any}, {"period_diff", plain, any}, {"pi", plain, any}, {"point", plain, keyword},
    {"polygon", plain, keyword}, {"position", position, glued}, {"pow", plain, any}, {"power", plain, any},
    {"quarter", plain, keyword}, {"quote", plain, any}, {"radians", plain, any}, {"rand", plain, any},
    {"random_bytes", plain, any}, {"rank", window, glued}, {"regexp_instr", plain, any},
    {"regexp_like", plain, any}, {"regexp_replace", plain, any}, {"regexp_substr", plain, any},
    {"repeat", plain, keyword}, {"replace", plain, keyword}, {"replace_oracle", plain, any},
    {"reverse", plain, keyword}, {"right", plain, keyword}, {"round", plain, any}, {"row_count", plain, keyword},
    {"row_number", window, keyword}, {"rownum", plain, keyword}, {"rpad", plain, any}, {"rpad_oracle", plain, any},
    {"rtrim", plain, any}, {"rtrim_oracle", plain, any}, {"schema", plain, keyword}, {"sec_to_time", plain, any},
    {"second", plain, keyword}, {"session_user", plain, glued}, {"sformat", plain, any}, {"sha", plain, any},
    {"sha1", plain, any}, {"sha2", plain, any}, {"sign", plain, any}, {"sin", plain, any},
    {"soundex", plain, any}, {"space", plain, any}, {"sqrt", plain, any}, {"st_area", plain, any},
    {"st_asbinary", plain, any}, {"st_asgeojson", plain, any}, {"st_astext", plain, any},
    {"st_aswkb", plain, any}, {"st_aswkt", plain, any}, {"st_boundary", plain, any}, {"st_buffer", plain, any},
    {"st_buffer_strategy", plain, any}, {"st_centroid", plain, any}, {"st_collect", aggregate, glued},
    {"st_contains", plain, any}, {"st_convexhull", plain, any}, {"st_crosses", plain, any},
    {"st_difference", plain, any}, {"st_dimension", plain, any}, {"st_disjoint", plain, any},
    {"st_distance", plain, any}, {"st_distance_sphere", plain, any}, {"st_endpoint", plain, any},
    {"st_envelope", plain, any}, {"st_equals", plain, any}, {"st_exteriorring", plain, any},
    {"st_frechetdistance", plain, any}, {"st_geohash", plain, any}, {"st_geomcollfromtext", plain, any},
    {"st_geomcollfromtxt", plain, any}, {"st_geomcollfromwkb", plain, any},
    {"st_geometrycollectionfromtext", plain, any}, {"st_geometrycollectionfromwkb", plain, any},
    {"st_geometryfromtext", plain, any}, {"st_geometryfromwkb", plain, any}, {"st_geometryn", plain, any},
    {"st_geometrytype", plain, any}, {"st_geomfromgeojson", plain, any}, {"st_geomfromtext", plain, any},
    {"st_geomfromwkb", plain, any}, {"st_hausdorffdistance", plain, any}, {"st_interiorringn", plain, any},
    {"st_intersection", plain, any}, {"st_intersects", plain, any}, {"st_isclosed", plain, any},
    {"st_isempty", plain, any}, {"st_isring", plain, any}, {"st_issimple", plain, any},
    {"st_isvalid", plain, any}, {"st_latfromgeohash", plain, any}, {"st_latitude", plain, any},
    {"st_length", plain, any}, {"st_linefromtext", plain, any}, {"st_linefromwkb", plain, any},
    {"st_lineinterpolatepoint", plain, any}, {"st_lineinterpolatepoints", plain, any},
    {"st_linestringfromtext", plain, any}, {"st_linestringfromwkb", plain, any},
    {"st_longfromgeohash", plain, any}, {"st_longitude", plain, any}, {"st_makeenvelope", plain, any},
    {"st_mlinefromtext", plain, any}, {"st_mlinefromwkb", plain, any}, {"st_mpointfromtext", plain, any},
    {"st_mpointfromwkb", plain, any}, {"st_mpolyfromtext", plain, any}, {"st_mpolyfromwkb", plain, any},
    {"st_multilinestringfromtext", plain, any}, {"st_multilinestringfromwkb", plain, any},
    {"st_multipointfromtext", plain, any}, {"st_multipointfromwkb", plain, any},
    {"st_multipolygonfromtext", plain, any}, {"st_multipolygonfromwkb", plain, any},
    {"st_numgeometries", plain, any}, {"st_numinteriorring", plain, any}, {"st_numinteriorrings", plain, any},
    {"st_numpoints", plain, any}, {"st_overlaps", plain, any}, {"st_pointatdistance", plain, any},
    {"st_pointfromgeohash", plain, any}, {"st_pointfromtext", plain, any}, {"st_pointfromwkb", plain, any},
    {"st_pointn", plain, any}, {"st_pointonsurface", plain, any}, {"st_polyfromtext", plain, any},
    {"st_polyfromwkb", plain, any}, {"st_polygonfromtext", plain, any}, {"st_polygonfromwkb", plain, any},
    {"st_relate", plain, any}, {"st_simplify", plain, any}, {"st_srid", plain, any},
    {"st_startpoint", plain, any}, {"st_swapxy", plain, any}, {"st_symdifference", plain, any},
    {"st_touches", plain, any}, {"st_transform", plain, any}, {"st_union", plain, any},
    {"st_validate", plain, any}, {"st_within", plain, any}, {"st_x", plain, any}, {"st_y", plain, any},
    {"std", aggregate, glued}, {"stddev", aggregate, glued}, {"stddev_pop", aggregate, glued},
    {"stddev_samp", aggregate, glued}, {"str_to_date", plain, any}, {"strcmp", plain, any},
    {"string_to_vector", plain, any}, {"subdate", plain, glued}, {"substr", substring, glued},
    {"substr_oracle", plain, any}, {"substring", substring, glued}, {"substring_index", plain, any},
    {"subtime", plain, any}, {"sum", aggregate, glued}, {"sys_guid", plain, any}, {"sysdate", plain, glued},
    {"system_user", plain, glued}, {"tan", plain, any}, {"time", plain, keyword}, {"time_format", plain, any},
    {"time_to_sec", plain, any}, {"timediff", plain, any}, {"timestamp", plain, keyword},
    {"timestampadd", timestamp_unit, keyword}, {"timestampdiff", timestamp_unit, keyword}, {"to_base64", plain, any},
    {"to_char", plain, any}, {"to_days", plain, any}, {"to_seconds", plain, any}, {"to_vector", plain, any},
    {"trim", trim, glued}, {"trim_oracle", trim, glued}, {"truncate", plain, keyword}, {"ucase", plain, any},
    {"uncompress", plain, any}, {"uncompressed_length", plain, any}, {"unhex", plain, any},
    {"unix_timestamp", plain, any}, {"updatexml", plain, any}, {"upper", plain, any}, {"user", plain, keyword},
    {"utc_date", plain, keyword}, {"utc_time", plain, keyword}, {"utc_timestamp", plain, keyword},
    {"uuid", plain, any}, {"uuid_short", plain, any}, {"uuid_to_bin", plain, any}, {"uuid_v4", plain, any},
    {"uuid_v7", plain, any}, {"var_pop", aggregate, glued}, {"var_samp", aggregate, glued},
    {"variance", aggregate, glued}, {"vec_distance", plain, any}, {"vec_distance_cosine", plain, any},
    {"vec_distance_euclidean", plain, any}, {"vec_fromtext", plain, any}, {"vec_totext", plain, any},
    {"vector_dim", plain, any}, {"vector_to_string", plain, any}, {"version", plain, any},
    {"week", plain, keyword}, {"weekday", plain, any}, {"weekofyear", plain, any},
    {"weight_string", weight_string, keyword}, {"year", plain, keyword},
    {"yearweek", plain, any},
    // clang-format on
});
static_assert(std::ranges::is_sorted(kFunctions, {}, &Function::name));

// Built in since MySQL 5.7 and MariaDB 10.3, and still (md5 and sha are not, since MySQL 9.6). Any other name may be
// that of a stored function, where the server has none.
constexpr auto kEverywhere = std::to_array<std::string_view>({
    // clang-format off
    "abs", "acos", "adddate", "addtime", "aes_decrypt", "aes_encrypt", "ascii", "asin", "atan", "atan2", "avg", "bin",
    "bit_and", "bit_count", "bit_length", "bit_or", "bit_xor", "cast", "ceil", "ceiling", "char", "char_length",
    "character_length", "charset", "coalesce", "coercibility", "collation", "compress", "concat", "concat_ws",
    "connection_id", "conv", "convert", "convert_tz", "cos", "cot", "count", "crc32", "curdate", "current_date",
    "current_time", "current_timestamp", "current_user", "curtime", "database", "date", "date_add", "date_format",
    "date_sub", "datediff", "day", "dayname", "dayofmonth", "dayofweek", "dayofyear", "degrees", "elt", "exp",
    "export_set", "extract", "extractvalue", "field", "find_in_set", "floor", "format", "found_rows", "from_base64",
    "from_days", "from_unixtime", "get_format", "greatest", "group_concat", "hex", "hour", "if", "ifnull", "inet6_aton",
    "inet6_ntoa", "inet_aton", "inet_ntoa", "insert", "instr", "is_ipv4", "is_ipv4_compat", "is_ipv4_mapped", "is_ipv6",
    "isnull", "json_array", "json_array_append", "json_array_insert", "json_contains", "json_contains_path",
    "json_depth", "json_extract", "json_insert", "json_keys", "json_length", "json_object", "json_quote", "json_remove",
    "json_replace", "json_search", "json_set", "json_type", "json_unquote", "json_valid", "last_day", "last_insert_id",
    "lcase", "least", "left", "length", "ln", "localtime", "localtimestamp", "locate", "log", "log10", "log2", "lower",
    "lpad", "ltrim", "make_set", "makedate", "maketime", "max", "microsecond", "mid", "min", "minute", "mod",
    "month", "monthname", "now", "nullif", "oct", "octet_length", "ord", "period_add", "period_diff", "pi", "position",
    "pow", "power", "quarter", "quote", "radians", "rand", "repeat", "replace", "reverse", "right", "round",
    "row_count", "rpad", "rtrim", "schema", "sec_to_time", "second", "session_user", "sha2", "sign",
    "sin", "soundex", "space", "sqrt", "std", "stddev", "stddev_pop", "stddev_samp", "str_to_date", "strcmp", "subdate",
    "substr", "substring", "substring_index", "subtime", "sum", "sysdate", "system_user", "tan", "time", "time_format",
    "time_to_sec", "timediff", "timestamp", "timestampadd", "timestampdiff", "to_base64", "to_days", "to_seconds",
    "trim", "truncate", "ucase", "uncompress", "uncompressed_length", "unhex", "unix_timestamp", "updatexml", "upper",
    "user", "utc_date", "utc_time", "utc_timestamp", "uuid", "uuid_short", "values", "var_pop", "var_samp", "variance",
    "version", "week", "weekday", "weekofyear", "weight_string", "year", "yearweek",
    // clang-format on
});
static_assert(std::ranges::is_sorted(kEverywhere));

struct Harm {
  std::string_view name, sentence;
};

constexpr auto kHarms = std::to_array<Harm>({
    // clang-format off
    {"benchmark", "BENCHMARK burns the server's time"},
    {"default", "DEFAULT evaluates the default of a column, which may use up a sequence"},
    {"get_lock", "GET_LOCK takes a lock that other sessions wait for"},
    {"is_free_lock", "IS_FREE_LOCK tells of other sessions"},
    {"is_used_lock", "IS_USED_LOCK tells of other sessions"},
    {"lastval", "LASTVAL tells what another session has drawn from a sequence"},
    {"load_file", "LOAD_FILE reads a file on the server"},
    {"master_gtid_wait", "MASTER_GTID_WAIT holds the session up"},
    {"master_pos_wait", "MASTER_POS_WAIT holds the session up"},
    {"nextval", "NEXTVAL uses up a number of a sequence"},
    {"release_all_locks", "RELEASE_ALL_LOCKS lets locks go"},
    {"release_lock", "RELEASE_LOCK lets a lock go"},
    {"setval", "SETVAL changes a sequence"},
    {"sleep", "SLEEP holds the session up"},
    {"source_pos_wait", "SOURCE_POS_WAIT holds the session up"},
    // clang-format on
});
static_assert(std::ranges::is_sorted(kHarms, {}, &Harm::name));

}  // namespace

std::string_view harm_of(std::string_view name) {
  const auto at = std::ranges::lower_bound(kHarms, name, {}, &Harm::name);
  return at != kHarms.end() && at->name == name ? at->sentence : std::string_view{};
}

bool is_built_in_everywhere(std::string_view name) { return std::ranges::binary_search(kEverywhere, name); }

const Function* find_function(std::string_view name) {
  const auto at = std::ranges::lower_bound(kFunctions, name, {}, &Function::name);
  return at != kFunctions.end() && at->name == name ? at : nullptr;
}

}  // namespace vmc::sql::mysql
