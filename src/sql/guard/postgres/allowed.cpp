#include "sql/guard/postgres/allowed.hpp"

#include <algorithm>
#include <array>

namespace vmc::sql::postgres {
namespace {

// Functions of pg_catalog and of common extensions that neither write, lock, wait, read files or other sessions, reach
// the network, run SQL from text nor reveal what the catalogue allow-list hides. Left out on purpose, although they
// are marked stable or look harmless: has_*_privilege and most to_reg* (they tell of objects that are not shared),
// *_to_xml and ts_stat (they run SQL from text), pg_get_functiondef and pg_get_viewdef (source), pg_stat_get_*
// (other sessions), txid_current (takes a transaction id), setseed (changes the session).
constexpr std::array<std::string_view, 712> kFunctions{
    "abbrev", "abs", "acos", "acosd", "acosh", "age", "akeys", "any_value", "approximate_row_count", "area",
    "array_agg", "array_append", "array_cat", "array_dims", "array_fill", "array_length", "array_lower", "array_ndims",
    "array_position", "array_positions", "array_prepend", "array_remove", "array_replace", "array_reverse",
    "array_sample", "array_shuffle", "array_sort", "array_to_json", "array_to_string", "array_to_tsvector",
    "array_upper", "ascii", "asin", "asind", "asinh", "atan", "atan2", "atan2d", "atand", "atanh", "avals", "avg",
    "binary_quantize", "bit", "bit_and", "bit_count", "bit_length", "bit_or", "bit_xor", "bool", "bool_and", "bool_or",
    "bound_box", "box", "bpchar", "broadcast", "btrim", "cardinality", "casefold", "cash_words", "cbrt", "ceil",
    "ceiling", "center", "char", "char_length", "character_length", "chr", "cidr", "circle", "citext",
    "clock_timestamp", "col_description", "concat", "concat_ws", "convert", "convert_from", "convert_to", "corr", "cos",
    "cosd", "cosh", "cosine_distance", "cot", "cotd", "count", "covar_pop", "covar_samp", "crc32", "crc32c", "cube",
    "cube_contained", "cube_contains", "cube_dim", "cube_distance", "cube_enlarge", "cube_inter", "cube_is_point",
    "cube_ll_coord", "cube_overlap", "cube_subset", "cube_union", "cube_ur_coord", "cume_dist", "current_database",
    "current_schema", "current_schemas", "current_setting", "current_user", "date", "date_add", "date_bin", "date_part",
    "date_subtract", "date_trunc", "datemultirange", "daterange", "decode", "degrees", "dense_rank", "diagonal",
    "diameter", "difference", "digest", "div", "dmetaphone", "dmetaphone_alt", "earth", "earth_box", "earth_distance",
    "encode", "enum_first", "enum_last", "enum_range", "erf", "erfc", "every", "exp", "extract", "factorial", "family",
    "first", "first_value", "float4", "float8", "floor", "format", "format_type", "gc_to_sec", "gcd",
    "gen_random_bytes", "gen_random_uuid", "generate_series", "generate_subscripts", "geometrytype", "get_bit",
    "get_byte", "get_current_ts_config", "getdatabaseencoding", "hamming_distance", "hash_array", "hash_numeric",
    "hashchar", "hashdate", "hashfloat8", "hashint2", "hashint4", "hashint8", "hashtext", "hashtextextended", "height",
    "histogram", "hmac", "host", "hostmask", "hstore", "hstore_to_array", "hstore_to_json", "hstore_to_json_loose",
    "hstore_to_jsonb", "hstore_to_jsonb_loose", "hstore_to_matrix", "icount", "inet_merge", "inet_same_family",
    "initcap", "inner_product", "int2", "int4", "int4multirange", "int4range", "int8", "int8multirange", "int8range",
    "interpolate", "interval", "is_normalized", "isclosed", "isempty", "isfinite", "ishorizontal", "isopen",
    "isparallel", "isperp", "isvertical", "jaccard_distance", "json_agg", "json_array_element",
    "json_array_element_text", "json_array_elements", "json_array_elements_text", "json_array_length",
    "json_build_array", "json_build_object", "json_each", "json_each_text", "json_extract_path",
    "json_extract_path_text", "json_object", "json_object_agg", "json_object_keys", "json_populate_record",
    "json_populate_recordset", "json_strip_nulls", "json_to_record", "json_to_recordset", "json_to_tsvector",
    "json_typeof", "jsonb_agg", "jsonb_array_elements", "jsonb_array_elements_text", "jsonb_array_length",
    "jsonb_build_array", "jsonb_build_object", "jsonb_each", "jsonb_each_text", "jsonb_extract_path",
    "jsonb_extract_path_text", "jsonb_hash", "jsonb_insert", "jsonb_object", "jsonb_object_agg", "jsonb_object_keys",
    "jsonb_path_exists", "jsonb_path_exists_tz", "jsonb_path_match", "jsonb_path_match_tz", "jsonb_path_query",
    "jsonb_path_query_array", "jsonb_path_query_array_tz", "jsonb_path_query_first", "jsonb_path_query_first_tz",
    "jsonb_path_query_tz", "jsonb_populate_record", "jsonb_populate_recordset", "jsonb_pretty", "jsonb_set",
    "jsonb_set_lax", "jsonb_strip_nulls", "jsonb_to_record", "jsonb_to_recordset", "jsonb_to_tsvector", "jsonb_typeof",
    "justify_days", "justify_hours", "justify_interval", "l1_distance", "l2_distance", "l2_normalize", "lag", "last",
    "last_value", "latitude", "lca", "lcm", "lead", "left", "length", "levenshtein", "levenshtein_less_equal", "like",
    "like_escape", "line", "ll_to_earth", "ln", "locf", "log", "log10", "longitude", "lower", "lower_inc", "lower_inf",
    "lpad", "lseg", "ltree2text", "ltrim", "macaddr", "macaddr8", "macaddr8_set7bit", "make_date", "make_interval",
    "make_time", "make_timestamp", "make_timestamptz", "masklen", "max", "md5", "metaphone", "min", "min_scale", "mod",
    "mode", "money", "multirange", "mxid_age", "name", "netmask", "network", "nlevel", "normal_rand", "normalize",
    "notlike", "now", "npoints", "nth_value", "ntile", "num_nonnulls", "num_nulls", "numeric", "nummultirange",
    "numnode", "numrange", "obj_description", "octet_length", "oid", "overlaps", "overlay", "parse_ident", "path",
    "pclose", "percent_rank", "percentile_cont", "percentile_disc", "pg_backend_pid", "pg_char_to_encoding",
    "pg_client_encoding", "pg_collation_for", "pg_column_size", "pg_current_snapshot", "pg_current_xact_id_if_assigned",
    "pg_database_size", "pg_encoding_max_length", "pg_encoding_to_char", "pg_get_constraintdef", "pg_get_expr",
    "pg_get_indexdef", "pg_get_keywords", "pg_get_partkeydef", "pg_get_serial_sequence", "pg_index_column_has_property",
    "pg_indexes_size", "pg_is_in_recovery", "pg_my_temp_schema", "pg_postmaster_start_time", "pg_relation_size",
    "pg_size_bytes", "pg_size_pretty", "pg_snapshot_xip", "pg_snapshot_xmax", "pg_snapshot_xmin", "pg_table_is_visible",
    "pg_table_size", "pg_timezone_abbrevs", "pg_timezone_names", "pg_total_relation_size", "pg_type_is_visible",
    "pg_typeof", "pg_visible_in_snapshot", "pg_wal_lsn_diff", "phraseto_tsquery", "pi", "plainto_tsquery", "point",
    "polygon", "popen", "position", "postgis_lib_version", "postgis_version", "pow", "power", "querytree",
    "quote_ident", "quote_literal", "quote_nullable", "radians", "radius", "random", "random_normal", "range_agg",
    "range_intersect_agg", "range_merge", "rank", "regexp_count", "regexp_instr", "regexp_like", "regexp_match",
    "regexp_matches", "regexp_replace", "regexp_split_to_array", "regexp_split_to_table", "regexp_substr", "regr_avgx",
    "regr_avgy", "regr_count", "regr_intercept", "regr_r2", "regr_slope", "regr_sxx", "regr_sxy", "regr_syy", "repeat",
    "replace", "reverse", "right", "round", "row_number", "row_to_json", "rpad", "rtrim", "scale", "sec_to_gc",
    "session_user", "set_bit", "set_byte", "set_masklen", "setweight", "sha224", "sha256", "sha384", "sha512",
    "show_limit", "show_trgm", "sign", "similar_escape", "similar_to_escape", "similarity", "sin", "sind", "sinh",
    "skeys", "slope", "sort_asc", "sort_desc", "soundex", "split_part", "sqrt", "st_3ddistance", "st_3dlength",
    "st_area", "st_asbinary", "st_asewkb", "st_asewkt", "st_asgeojson", "st_asgml", "st_ashexewkb", "st_askml",
    "st_asmvt", "st_asmvtgeom", "st_assvg", "st_astext", "st_azimuth", "st_boundary", "st_buffer", "st_centroid",
    "st_closestpoint", "st_clusterdbscan", "st_clusterkmeans", "st_clusterwithin", "st_collect", "st_concavehull",
    "st_contains", "st_containsproperly", "st_convexhull", "st_coorddim", "st_coveredby", "st_covers", "st_crosses",
    "st_delaunaytriangles", "st_difference", "st_dimension", "st_disjoint", "st_distance", "st_distancesphere",
    "st_distancespheroid", "st_dump", "st_dumppoints", "st_dumprings", "st_dwithin", "st_endpoint", "st_envelope",
    "st_equals", "st_expand", "st_extent", "st_exteriorring", "st_flipcoordinates", "st_force2d", "st_force3d",
    "st_geogfromtext", "st_geographyfromtext", "st_geohash", "st_geometryn", "st_geometrytype", "st_geomfromewkb",
    "st_geomfromewkt", "st_geomfromgeohash", "st_geomfromgeojson", "st_geomfromtext", "st_geomfromwkb",
    "st_hausdorffdistance", "st_hexagongrid", "st_interiorringn", "st_intersection", "st_intersects", "st_isclosed",
    "st_isempty", "st_isring", "st_issimple", "st_isvalid", "st_isvalidreason", "st_length", "st_length2d",
    "st_lengthspheroid", "st_linefromtext", "st_lineinterpolatepoint", "st_linelocatepoint", "st_linemerge",
    "st_linesubstring", "st_longestline", "st_m", "st_makeenvelope", "st_makeline", "st_makepoint", "st_makepolygon",
    "st_makevalid", "st_maxdistance", "st_memunion", "st_multi", "st_normalize", "st_npoints", "st_numgeometries",
    "st_numinteriorrings", "st_numpoints", "st_overlaps", "st_perimeter", "st_perimeter2d", "st_point",
    "st_pointfromtext", "st_pointn", "st_pointonsurface", "st_polygon", "st_polygonfromtext", "st_project", "st_relate",
    "st_reverse", "st_rotate", "st_scale", "st_segmentize", "st_setsrid", "st_shortestline", "st_simplify",
    "st_simplifypreservetopology", "st_snaptogrid", "st_squaregrid", "st_srid", "st_startpoint", "st_subdivide",
    "st_symdifference", "st_tileenvelope", "st_touches", "st_transform", "st_translate", "st_unaryunion", "st_union",
    "st_voronoipolygons", "st_within", "st_x", "st_xmax", "st_xmin", "st_y", "st_ymax", "st_ymin", "st_z", "st_zmax",
    "st_zmin", "starts_with", "statement_timestamp", "stddev", "stddev_pop", "stddev_samp", "strict_word_similarity",
    "string_agg", "string_to_array", "string_to_table", "strip", "strpos", "subarray", "subltree", "subpath", "substr",
    "substring", "subvector", "sum", "svals", "tan", "tand", "tanh", "text", "text2ltree", "time", "time_bucket",
    "time_bucket_gapfill", "time_bucket_ng", "timeofday", "timestamp", "timestamptz", "timetz", "timezone", "to_ascii",
    "to_bin", "to_char", "to_date", "to_hex", "to_json", "to_jsonb", "to_number", "to_oct", "to_regclass", "to_regtype",
    "to_timestamp", "to_tsquery", "to_tsvector", "transaction_timestamp", "translate", "trim_array", "trim_scale",
    "trunc", "ts_debug", "ts_delete", "ts_filter", "ts_headline", "ts_lexize", "ts_parse", "ts_rank", "ts_rank_cd",
    "ts_rewrite", "ts_token_type", "tsmultirange", "tsquery_phrase", "tsrange", "tstzmultirange", "tstzrange",
    "tsvector_concat", "tsvector_to_array", "txid_current_if_assigned", "txid_current_snapshot", "txid_snapshot_xip",
    "txid_snapshot_xmax", "txid_snapshot_xmin", "txid_visible_in_snapshot", "unaccent", "unistr", "unnest", "upper",
    "upper_inc", "upper_inf", "uuid_extract_timestamp", "uuid_extract_version", "uuid_generate_v1",
    "uuid_generate_v1mc", "uuid_generate_v3", "uuid_generate_v4", "uuid_generate_v5", "uuid_nil", "uuid_ns_dns",
    "uuid_ns_oid", "uuid_ns_url", "uuid_ns_x500", "uuidv4", "uuidv7", "var_pop", "var_samp", "varbit", "varchar",
    "variance", "vector_dims", "vector_norm", "version", "websearch_to_tsquery", "width", "width_bucket",
    "word_similarity", "xid", "xml", "xml_is_well_formed", "xml_is_well_formed_content", "xml_is_well_formed_document",
    "xmlagg", "xmlcomment", "xmlexists", "xmlvalidate", "xpath", "xpath_exists"};

// Every operator of pg_catalog, and those of pg_trgm, pgvector and btree_gist. Any other name is somebody's own function.
constexpr std::array<std::string_view, 107> kOperators{
    "!!", "!~", "!~*", "!~~", "!~~*", "#", "##", "#-", "#=", "#>", "#>>", "%", "%#", "%%", "%>", "%>>", "&", "&&",
    "&&&", "&/&", "&<", "&<|", "&>", "*", "*<", "*<=", "*<>", "*=", "*>", "*>=", "+", "-", "->", "->>", "-|-", "/",
    "<", "<#>", "<%", "<%>", "<+>", "<->", "<->>", "<->>>", "<<", "<<#>>", "<<%", "<<->", "<<->>", "<<<->", "<<=",
    "<<|", "<=", "<=>", "<>", "<@", "<@>", "<^", "<~>", "=", ">", ">=", ">>", ">>=", ">^", "?", "?#", "?&", "?-",
    "?-|", "?<@", "?@", "?@>", "?|", "?||", "?~", "@", "@-@", "@>", "@?", "@@", "@@@", "^", "^<@", "^?", "^@", "^@>",
    "^~", "|", "|&>", "|/", "|<<", "|=|", "|>>", "||", "||/", "~", "~*", "~<=~", "~<~", "~=", "~>", "~>=~", "~>~",
    "~~", "~~*", "~~="};

// Discovery reads these. The rest of the catalogue holds source code, accounts, statistics of values or other sessions.
constexpr std::array<std::string_view, 16> kInformationSchema{
    "character_sets", "check_constraints", "collations", "column_domain_usage", "columns", "constraint_column_usage",
    "constraint_table_usage", "domains", "element_types", "information_schema_catalog_name", "key_column_usage",
    "referential_constraints", "schemata", "sequences", "table_constraints", "tables"};
constexpr std::array<std::string_view, 27> kCatalogue{
    "pg_am", "pg_attrdef", "pg_attribute", "pg_class", "pg_collation", "pg_constraint", "pg_depend", "pg_description",
    "pg_enum", "pg_extension", "pg_index", "pg_indexes", "pg_inherits", "pg_namespace", "pg_opclass",
    "pg_partitioned_table", "pg_range", "pg_sequence", "pg_stat_all_tables", "pg_stat_user_indexes",
    "pg_stat_user_tables", "pg_statio_user_indexes", "pg_statio_user_tables", "pg_tables", "pg_timezone_abbrevs",
    "pg_timezone_names", "pg_type"};

// Settings that tell how values are read and written, and of which version. Others hold paths, commands and secrets.
constexpr std::array<std::string_view, 38> kSettings{
    "application_name", "array_nulls", "backslash_quote", "block_size", "bytea_output", "client_encoding", "client_min_messages", "datestyle", "default_text_search_config",
    "default_transaction_isolation", "default_transaction_read_only", "escape_string_warning", "extra_float_digits", "in_hot_standby",
    "integer_datetimes", "intervalstyle", "lc_collate", "lc_ctype", "lc_messages", "lc_monetary", "lc_numeric",
    "lc_time", "max_identifier_length", "max_index_keys", "search_path", "server_encoding", "server_version",
    "server_version_num", "standard_conforming_strings", "statement_timeout", "timezone", "timezone_abbreviations", "transaction_deferrable",
    "transaction_isolation", "transaction_read_only", "transform_null_equals", "xmlbinary", "xmloption"};

// Of the harmless functions those that tell of tables and columns by their names or numbers.
constexpr std::array<std::string_view, 18> kTelling{
    "approximate_row_count", "col_description", "format_type", "obj_description", "pg_get_constraintdef",
    "pg_get_expr", "pg_get_indexdef", "pg_get_partkeydef", "pg_get_serial_sequence", "pg_index_column_has_property",
    "pg_indexes_size", "pg_relation_size", "pg_table_is_visible", "pg_table_size", "pg_total_relation_size",
    "pg_type_is_visible", "to_regclass", "to_regtype"};

// The server's own types, as they may be written without a schema.
constexpr std::array<std::string_view, 69> kTypes{
    "bit", "bool", "box", "bpchar", "bytea", "char", "cid", "cidr", "circle", "date", "datemultirange", "daterange",
    "float4", "float8", "inet", "int2", "int2vector", "int4", "int4multirange", "int4range", "int8", "int8multirange",
    "int8range", "interval", "json", "jsonb", "jsonpath", "line", "lseg", "macaddr", "macaddr8", "money", "name",
    "numeric", "nummultirange", "numrange", "oid", "oidvector", "path", "pg_lsn", "pg_snapshot", "point", "polygon",
    "record", "refcursor", "regcollation", "regconfig", "regdictionary", "text", "tid", "time", "timestamp",
    "timestamptz", "timetz", "tsmultirange", "tsquery", "tsrange", "tstzmultirange", "tstzrange", "tsvector",
    "txid_snapshot", "unknown", "uuid", "varbit", "varchar", "void", "xid", "xid8", "xml"};

// Fields of the records that harmless functions return: jsonb_each(), unnest(tsvector), _pg_expandarray(), row types.
constexpr std::array<std::string_view, 40> kFields{
    "alias", "baredesc", "barelabel", "catcode", "catdesc", "description", "detail", "dictionaries", "dictionary",
    "f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "hint", "isleaf", "key", "level", "lexeme", "lexemes", "message",
    "n", "name", "ndoc", "nentry", "ordinality", "parentrelid", "positions", "relid", "sql_error_code", "token",
    "tokid", "value", "weights", "word", "x", "y"};

// Columns of the system tables that may be read, of version 15 and what others have beside it; none tells of rights.
constexpr std::array<std::string_view, 358> kCatalogueColumns{
    "abbrev", "adbin", "adnum", "adrelid", "adsrc", "amhandler", "amname", "amtype", "analyze_count", "attalign",
    "attbyval", "attcacheoff", "attcollation", "attcompression", "attfdwoptions", "attgenerated", "atthasdef",
    "atthasmissing", "attidentity", "attinhcount", "attisdistinct", "attisdropped", "attislocal", "attlen",
    "attmissingval", "attname", "attndims", "attnotnull", "attnum", "attoptions", "attrelid", "attstattarget",
    "attstorage", "atttypid", "atttypmod", "autoanalyze_count", "autovacuum_count", "catalog_name",
    "character_maximum_length", "character_octet_length", "character_repertoire", "character_set_catalog",
    "character_set_name", "character_set_schema", "check_clause", "classid", "classoid", "collation_catalog",
    "collation_name", "collation_schema", "collcollate", "collctype", "collection_type_identifier", "collencoding",
    "colliculocale", "collicurules", "collisdeterministic", "colllocale", "collname", "collnamespace", "collowner",
    "collprovider", "collversion", "column_default", "column_name", "commit_action", "conbin", "condeferrable",
    "condeferred", "conexclop", "confdelsetcols", "confdeltype", "conffeqop", "confkey", "confmatchtype", "confrelid",
    "confupdtype", "conindid", "coninhcount", "conislocal", "conkey", "conname", "connamespace", "connoinherit",
    "conparentid", "conperiod", "conpfeqop", "conppeqop", "conrelid", "consrc", "constraint_catalog",
    "constraint_name", "constraint_schema", "constraint_type", "contype", "contypid", "convalidated", "cycle_option",
    "data_type", "datetime_precision", "default_character_set_catalog", "default_character_set_name",
    "default_character_set_schema", "default_collate_catalog", "default_collate_name", "default_collate_schema",
    "delete_rule", "deptype", "description", "domain_catalog", "domain_default", "domain_name", "domain_schema",
    "dtd_identifier", "enforced", "enumlabel", "enumsortorder", "enumtypid", "extcondition", "extconfig", "extname",
    "extnamespace", "extowner", "extrelocatable", "extversion", "form_of_use", "generation_expression", "hasindexes",
    "hasrules", "hastriggers", "heap_blks_hit", "heap_blks_read", "identity_cycle", "identity_generation",
    "identity_increment", "identity_maximum", "identity_minimum", "identity_start", "idx_blks_hit", "idx_blks_read",
    "idx_scan", "idx_tup_fetch", "idx_tup_read", "increment", "indcheckxmin", "indclass", "indcollation", "indexdef",
    "indexname", "indexprs", "indexrelid", "indexrelname", "indimmediate", "indisclustered", "indisexclusion",
    "indislive", "indisprimary", "indisready", "indisreplident", "indisunique", "indisvalid", "indkey", "indnatts",
    "indnkeyatts", "indnullsnotdistinct", "indoption", "indpred", "indrelid", "inhdetachpending", "inhparent",
    "inhrelid", "inhseqno", "initially_deferred", "interval_precision", "interval_type", "is_deferrable", "is_dst",
    "is_generated", "is_identity", "is_insertable_into", "is_nullable", "is_self_referencing", "is_typed",
    "is_updatable", "last_analyze", "last_autoanalyze", "last_autovacuum", "last_idx_scan", "last_seq_scan",
    "last_vacuum", "match_option", "maximum_cardinality", "maximum_value", "minimum_value", "n_dead_tup",
    "n_ins_since_vacuum", "n_live_tup", "n_mod_since_analyze", "n_tup_del", "n_tup_hot_upd", "n_tup_ins",
    "n_tup_newpage_upd", "n_tup_upd", "name", "nspname", "nspowner", "nulls_distinct", "numeric_precision",
    "numeric_precision_radix", "numeric_scale", "object_catalog", "object_name", "object_schema", "object_type",
    "objid", "objoid", "objsubid", "oid", "opcdefault", "opcfamily", "opcintype", "opckeytype", "opcmethod", "opcname",
    "opcnamespace", "opcowner", "ordinal_position", "pad_attribute", "partattrs", "partclass", "partcollation",
    "partdefid", "partexprs", "partnatts", "partrelid", "partstrat", "position_in_unique_constraint", "refclassid",
    "reference_generation", "refobjid", "refobjsubid", "relallvisible", "relam", "relchecks", "relfilenode",
    "relforcerowsecurity", "relfrozenxid", "relhasindex", "relhasoids", "relhaspkey", "relhasrules", "relhassubclass",
    "relhastriggers", "relid", "relispartition", "relispopulated", "relisshared", "relkind", "relminmxid", "relname",
    "relnamespace", "relnatts", "reloftype", "reloptions", "relowner", "relpages", "relpartbound", "relpersistence",
    "relreplident", "relrewrite", "relrowsecurity", "reltablespace", "reltoastrelid", "reltuples", "reltype",
    "rngcanonical", "rngcollation", "rngmultitypid", "rngsubdiff", "rngsubopc", "rngsubtype", "rngtypid",
    "rowsecurity", "schema_name", "schema_owner", "schemaname", "scope_catalog", "scope_name", "scope_schema",
    "self_referencing_column_name", "seq_scan", "seq_tup_read", "seqcache", "seqcycle", "seqincrement", "seqmax",
    "seqmin", "seqrelid", "seqstart", "seqtypid", "sequence_catalog", "sequence_name", "sequence_schema", "sql_path",
    "start_value", "table_catalog", "table_name", "table_schema", "table_type", "tablename", "tableowner",
    "tablespace", "tidx_blks_hit", "tidx_blks_read", "toast_blks_hit", "toast_blks_read", "typalign", "typanalyze",
    "typarray", "typbasetype", "typbyval", "typcategory", "typcollation", "typdefault", "typdefaultbin", "typdelim",
    "typelem", "typinput", "typisdefined", "typispreferred", "typlen", "typmodin", "typmodout", "typname",
    "typnamespace", "typndims", "typnotnull", "typoutput", "typowner", "typreceive", "typrelid", "typsend",
    "typstorage", "typsubscript", "typtype", "typtypmod", "udt_catalog", "udt_name", "udt_schema",
    "unique_constraint_catalog", "unique_constraint_name", "unique_constraint_schema", "update_rule",
    "user_defined_type_catalog", "user_defined_type_name", "user_defined_type_schema", "utc_offset", "vacuum_count"};

// Functions of one argument that take any row and show it.
constexpr std::array<std::string_view, 16> kRowFunctions{
    "array_agg", "concat", "hash_record", "json_agg", "json_build_array", "json_build_object", "jsonb_agg",
    "jsonb_build_array", "jsonb_build_object", "quote_literal", "quote_nullable", "record_out", "record_send",
    "row_to_json", "to_json", "to_jsonb"};

template <class Names>
bool has(const Names& names, std::string_view name) {
  return std::binary_search(names.begin(), names.end(), name);
}

}  // namespace

bool is_harmless_function(std::string_view name) { return has(kFunctions, name); }
bool is_telling_function(std::string_view name) { return has(kTelling, name); }
bool is_builtin_type(std::string_view name) {
  if (name.starts_with('_')) name.remove_prefix(1);  // an array of it
  return has(kTypes, name);
}
bool is_builtin_operator(std::string_view name) { return has(kOperators, name); }
bool is_readable_setting(std::string_view name) { return has(kSettings, name); }
bool is_known_field(std::string_view name) { return has(kFields, name); }
bool is_catalogue_column(std::string_view name) { return has(kCatalogueColumns, name); }
bool is_row_function(std::string_view name) { return has(kRowFunctions, name); }

bool is_readable_catalogue(std::string_view schema, std::string_view relation) {
  return schema == "information_schema" ? has(kInformationSchema, relation) : has(kCatalogue, relation);
}

}  // namespace vmc::sql::postgres
