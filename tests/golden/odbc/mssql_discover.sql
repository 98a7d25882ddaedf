-- batch
SET DATEFORMAT ymd; SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET TEXTSIZE 2147483647

-- catalogue @table_name = %, @table_owner = %, @table_qualifier = odbc_golden, @table_type = 'TABLE','VIEW'
sp_tableswc

-- catalogue @table_name = %, @table_owner = %, @table_qualifier = odbc_golden, @column_name = %, @ODBCVer = 3
sp_columns

-- catalogue @table_qualifier = odbc_golden, @table_owner = dbo, @table_name = orders
sp_pkeys

-- catalogue @table_qualifier = odbc_golden, @table_owner = dbo, @table_name = orders, @is_unique = Y, @accuracy = Q
sp_statistics

-- catalogue @fktable_qualifier = odbc_golden, @fktable_owner = dbo, @fktable_name = orders
sp_fkeys

