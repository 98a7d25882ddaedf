#include "sql/guard/mssql/functions.hpp"

#include <algorithm>
#include <array>

namespace vmc::sql::mssql {
namespace {

// Left out of the built-in ones: what tells of code (OBJECT_DEFINITION), accounts (LOGINPROPERTY, PWDCOMPARE), keys and
// secrets (DECRYPTBYKEY, SESSION_CONTEXT), files (FILEPROPERTY), locks (APPLOCK_TEST) and triggers (EVENTDATA); what
// signs and encrypts; and what came after 2022, until it is known.
constexpr auto kFunctions = std::to_array<Function>({
    {"abs"}, {"acos"}, {"app_name"}, {"approx_count_distinct", Form::aggregate},
    {"approx_percentile_cont", Form::aggregate}, {"approx_percentile_disc", Form::aggregate}, {"ascii"}, {"asin"},
    {"atan"}, {"atn2"}, {"avg", Form::aggregate}, {"binary_checksum", Form::whole_row}, {"bit_count"},
    {"cast", Form::special}, {"ceiling"}, {"char"}, {"charindex"}, {"checksum", Form::whole_row},
    {"checksum_agg", Form::aggregate}, {"choose"}, {"coalesce"}, {"col_length", Form::telling},
    {"col_name", Form::telling}, {"collationproperty"}, {"columnproperty", Form::telling}, {"compress"}, {"concat"},
    {"concat_ws"}, {"convert", Form::special}, {"cos"}, {"cot"}, {"count", Form::counting},
    {"count_big", Form::counting}, {"crypt_gen_random"}, {"cume_dist", Form::aggregate}, {"current_timezone"},
    {"current_timezone_id"}, {"current_transaction_id"}, {"databasepropertyex"}, {"datalength"},
    {"date_bucket", Form::date_part}, {"dateadd", Form::date_part}, {"datediff", Form::date_part},
    {"datediff_big", Form::date_part}, {"datefromparts"}, {"datename", Form::date_part}, {"datepart", Form::date_part},
    {"datetime2fromparts"}, {"datetimefromparts"}, {"datetimeoffsetfromparts"}, {"datetrunc", Form::date_part},
    {"day"}, {"db_id"}, {"db_name", Form::no_more}, {"decompress"}, {"degrees"}, {"dense_rank", Form::aggregate},
    {"difference"}, {"eomonth"}, {"exp"}, {"first_value", Form::aggregate}, {"floor"}, {"format"}, {"formatmessage"},
    {"fulltextcatalogproperty", Form::telling}, {"fulltextserviceproperty"}, {"get_bit"}, {"getansinull"}, {"getdate"},
    {"getutcdate"}, {"greatest"}, {"grouping"}, {"grouping_id"}, {"has_dbaccess"},
    {"has_perms_by_name", Form::telling}, {"hashbytes"}, {"host_id"}, {"host_name"}, {"ident_current", Form::telling},
    {"ident_incr", Form::telling}, {"ident_seed", Form::telling}, {"iif", Form::special}, {"index_col", Form::telling},
    {"indexkey_property", Form::telling}, {"indexproperty", Form::telling}, {"is_member"}, {"isdate"},
    {"isjson", Form::special}, {"isnull"}, {"isnumeric"}, {"json_array", Form::special}, {"json_modify"},
    {"json_object", Form::special}, {"json_path_exists"}, {"json_query"}, {"json_value"}, {"lag", Form::aggregate},
    {"last_value", Form::aggregate}, {"lead", Form::aggregate}, {"least"}, {"left"}, {"left_shift"}, {"len"}, {"log"},
    {"log10"}, {"lower"}, {"ltrim"}, {"max", Form::aggregate}, {"min", Form::aggregate}, {"min_active_rowversion"},
    {"month"}, {"nchar"}, {"newid"}, {"ntile", Form::aggregate}, {"nullif"}, {"object_id", Form::naming},
    {"object_name", Form::naming}, {"object_schema_name", Form::naming}, {"objectproperty", Form::naming},
    {"objectpropertyex", Form::naming}, {"original_db_name", Form::no_more}, {"original_login"}, {"parse", Form::special}, {"parsename"}, {"patindex"},
    {"percent_rank", Form::aggregate}, {"percentile_cont", Form::aggregate}, {"percentile_disc", Form::aggregate},
    {"pi"}, {"power"}, {"quotename"}, {"radians"}, {"rand"}, {"rank", Form::aggregate}, {"replace"},
    {"replicate", Form::generator}, {"reverse"}, {"right"}, {"right_shift"}, {"round"},
    {"row_number", Form::aggregate}, {"rowcount_big"}, {"rtrim"}, {"schema_id", Form::telling},
    {"schema_name", Form::telling}, {"scope_identity"}, {"serverproperty", Form::property}, {"sessionproperty"}, {"set_bit"}, {"sign"},
    {"sin"}, {"smalldatetimefromparts"}, {"soundex"}, {"space", Form::generator}, {"sql_variant_property"}, {"sqrt"},
    {"square"}, {"stdev", Form::aggregate}, {"stdevp", Form::aggregate}, {"str"}, {"string_agg", Form::aggregate},
    {"string_escape"}, {"stuff"}, {"substring"}, {"sum", Form::aggregate}, {"suser_id", Form::no_more}, {"suser_name", Form::no_more},
    {"suser_sname", Form::no_more}, {"switchoffset"}, {"sysdatetime"}, {"sysdatetimeoffset"}, {"sysutcdatetime"},
    {"tan"}, {"timefromparts"}, {"todatetimeoffset"}, {"translate"}, {"trim", Form::special},
    {"try_cast", Form::special}, {"try_convert", Form::special}, {"try_parse", Form::special}, {"type_id"},
    {"type_name"}, {"typeproperty"}, {"unicode"}, {"upper"}, {"user_id", Form::no_more}, {"user_name", Form::no_more}, {"var", Form::aggregate},
    {"varp", Form::aggregate}, {"xact_state"}, {"year"},
});

// Names that only {fn ...} knows. Everything of the list above may stand there too.
constexpr auto kOdbcFunctions = std::to_array<Function>({
    {"atan2"}, {"bit_length"}, {"char_length"}, {"character_length"}, {"convert", Form::special}, {"curdate"},
    {"current_date"}, {"current_time"}, {"current_timestamp"}, {"curtime"}, {"database"}, {"dayname"}, {"dayofmonth"},
    {"dayofweek"}, {"dayofyear"}, {"extract", Form::special}, {"hour"}, {"ifnull"}, {"insert"}, {"lcase"}, {"length"},
    {"locate"}, {"minute"}, {"mod"}, {"monthname"}, {"now"}, {"octet_length"}, {"quarter"},
    {"repeat", Form::generator}, {"second"}, {"timestampadd", Form::special}, {"timestampdiff", Form::special},
    {"truncate"}, {"ucase"}, {"user"}, {"week"},
});

// Left out: folders of the server, the number of its process, the name of its node.
constexpr auto kServerProperties = std::to_array<std::string_view>({
    "buildclrversion", "collation", "collationid", "comparisonstyle", "edition", "editionid", "engineedition",
    "instancename", "isadvancedanalyticsinstalled", "isclustered", "isfulltextinstalled", "ishadrenabled",
    "isintegratedsecurityonly", "islocaldb", "ispolybaseinstalled", "issingleuser", "isxtpsupported", "lcid",
    "licensetype", "machinename", "numlicenses", "productbuild", "productbuildtype", "productlevel",
    "productmajorversion", "productminorversion", "productupdatelevel", "productupdatereference", "productversion",
    "resourcelastupdatedatetime", "resourceversion", "servername", "sqlcharset", "sqlcharsetname", "sqlsortorder",
    "sqlsortordername",
});

// Left out: load figures of the server, @@PROCID, @@REMSERVER.
constexpr auto kGlobals = std::to_array<std::string_view>({
    "@@datefirst", "@@dbts", "@@error", "@@identity", "@@langid", "@@language", "@@lock_timeout", "@@max_connections",
    "@@max_precision", "@@microsoftversion", "@@nestlevel", "@@options", "@@rowcount", "@@servername", "@@servicename",
    "@@spid", "@@textsize", "@@trancount", "@@version",
});

constexpr auto kMethods = std::to_array<std::string_view>({
    "asbinaryzm", "asgml", "astextzm", "bufferwithtolerance", "curvetolinewithtolerance", "envelopeangle",
    "envelopecenter", "filter", "getancestor", "getdescendant", "getlevel", "getreparentedvalue", "instanceof",
    "isdescendantof", "isvaliddetailed", "makevalid", "numrings", "reduce", "reorientobject", "ringn",
    "shortestlineto", "starea", "stasbinary", "stastext", "stboundary", "stbuffer", "stcentroid", "stcontains",
    "stconvexhull", "stcrosses", "stcurven", "stcurvetoline", "stdifference", "stdimension", "stdisjoint",
    "stdistance", "stendpoint", "stenvelope", "stequals", "stexteriorring", "stgeometryn", "stgeometrytype",
    "stinteriorringn", "stintersection", "stintersects", "stisclosed", "stisempty", "stisring", "stissimple",
    "stisvalid", "stlength", "stnumcurves", "stnumgeometries", "stnuminteriorring", "stnumpoints", "stoverlaps",
    "stpointn", "stpointonsurface", "strelate", "ststartpoint", "stsymdifference", "sttouches", "stunion", "stwithin",
    "tostring",
});

constexpr auto kValueProperties = std::to_array<std::string_view>({
    "hasm", "hasz", "isnull", "lat", "long", "m", "stsrid", "stx", "sty", "z",
});

constexpr auto kStaticMethods = std::to_array<std::string_view>({
    "collectionaggregate", "convexhullaggregate", "envelopeaggregate", "geomfromgml", "parse", "point",
    "stgeomcollfromtext", "stgeomcollfromwkb", "stgeomfromtext", "stgeomfromwkb", "stlinefromtext", "stlinefromwkb",
    "stmlinefromtext", "stmlinefromwkb", "stmpointfromtext", "stmpointfromwkb", "stmpolyfromtext", "stmpolyfromwkb",
    "stpointfromtext", "stpointfromwkb", "stpolyfromtext", "stpolyfromwkb", "unionaggregate",
});

constexpr bool by_name(const Function& a, const Function& b) { return a.name < b.name; }
static_assert(std::is_sorted(kFunctions.begin(), kFunctions.end(), by_name));
static_assert(std::is_sorted(kOdbcFunctions.begin(), kOdbcFunctions.end(), by_name));
static_assert(std::is_sorted(kServerProperties.begin(), kServerProperties.end()));
static_assert(std::is_sorted(kGlobals.begin(), kGlobals.end()));
static_assert(std::is_sorted(kMethods.begin(), kMethods.end()));
static_assert(std::is_sorted(kValueProperties.begin(), kValueProperties.end()));
static_assert(std::is_sorted(kStaticMethods.begin(), kStaticMethods.end()));

template <class Functions>
const Function* find(const Functions& functions, std::string_view name) {
  const auto* found = std::lower_bound(functions.begin(), functions.end(), Function{name}, by_name);
  return found != functions.end() && found->name == name ? found : nullptr;
}

template <class Names>
bool has(const Names& names, std::string_view name) {
  return std::binary_search(names.begin(), names.end(), name);
}

}  // namespace

const Function* find_function(std::string_view name) { return find(kFunctions, name); }

const Function* find_odbc_function(std::string_view name) {
  const auto* function = find(kOdbcFunctions, name);
  return function ? function : find(kFunctions, name);
}

bool is_server_property(std::string_view name) { return has(kServerProperties, name); }

bool is_global(std::string_view name) { return has(kGlobals, name); }

bool is_method(std::string_view name) { return has(kMethods, name); }

bool is_value_property(std::string_view name) { return has(kValueProperties, name); }

bool is_static_method(std::string_view type, std::string_view name) {
  if (type == "hierarchyid") return name == "getroot" || name == "parse";
  return (type == "geography" || type == "geometry") && has(kStaticMethods, name);
}

}  // namespace vmc::sql::mssql
