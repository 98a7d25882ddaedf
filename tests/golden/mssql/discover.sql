-- batch
SET LANGUAGE us_english; SET DATEFORMAT ymd; SET DATEFIRST 7; SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET ANSI_PADDING ON; SET ANSI_WARNINGS ON; SET ANSI_NULL_DFLT_ON ON; SET ARITHABORT ON; SET CONCAT_NULL_YIELDS_NULL ON; SET NUMERIC_ROUNDABORT OFF; SET IMPLICIT_TRANSACTIONS OFF; SET CURSOR_CLOSE_ON_COMMIT OFF; SET XACT_ABORT ON; SET NOCOUNT ON; SET ROWCOUNT 0; SET TEXTSIZE 2147483647; SET LOCK_TIMEOUT 10000; SET TRANSACTION ISOLATION LEVEL READ COMMITTED

-- batch
BEGIN TRANSACTION

-- batch
SELECT o.object_id, s.name AS schema_name, o.name AS object_name, o.type, p.row_estimate FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id LEFT JOIN (SELECT object_id, SUM(rows) AS row_estimate FROM sys.partitions WHERE index_id IN (0, 1) GROUP BY object_id) AS p ON p.object_id = o.object_id WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 AND NOT EXISTS (SELECT 1 FROM sys.external_tables AS e WHERE e.object_id = o.object_id)

-- batch
SELECT c.object_id, c.column_id, c.name, COALESCE(b.name, u.name) AS type_name, c.max_length, c.precision, c.scale, c.is_nullable, d.definition, c.is_computed, k.definition, c.is_column_set FROM sys.columns AS c JOIN sys.objects AS o ON o.object_id = c.object_id JOIN sys.schemas AS s ON s.schema_id = o.schema_id LEFT JOIN sys.types AS b ON b.user_type_id = c.system_type_id LEFT JOIN sys.types AS u ON u.user_type_id = c.user_type_id LEFT JOIN sys.default_constraints AS d ON d.object_id = c.default_object_id LEFT JOIN sys.computed_columns AS k ON k.object_id = c.object_id AND k.column_id = c.column_id WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 AND c.is_hidden = 0 AND HAS_PERMS_BY_NAME(CONCAT(QUOTENAME(s.name), N'.', QUOTENAME(o.name)), N'OBJECT', N'SELECT', c.name, N'COLUMN') = 1 ORDER BY c.object_id, c.column_id

-- batch
SELECT o.object_id, m.definition, m.uses_quoted_identifier, CONVERT(nvarchar(40), o.modify_date, 126) AS modified FROM sys.objects AS o LEFT JOIN sys.sql_modules AS m ON m.object_id = o.object_id WHERE o.type = 'V' AND o.is_ms_shipped = 0

-- batch
SELECT t.object_id, t.history_table_id FROM sys.tables AS t WHERE t.history_table_id IS NOT NULL

-- batch
SELECT i.object_id, i.index_id, i.is_primary_key, ic.column_id FROM sys.indexes AS i JOIN sys.index_columns AS ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id WHERE i.is_unique = 1 AND i.has_filter = 0 AND i.is_disabled = 0 AND ic.is_included_column = 0 ORDER BY i.object_id, i.index_id, ic.key_ordinal

-- batch
SELECT constraint_object_id, parent_object_id, parent_column_id, referenced_object_id, referenced_column_id FROM sys.foreign_key_columns ORDER BY parent_object_id, constraint_object_id, constraint_column_id

-- batch
WITH letter AS (SELECT k.[small], k.[large] FROM (VALUES (N'a', N'A'), (N'b', N'B'), (N'c', N'C'), (N'd', N'D'), (N'e', N'E'), (N'f', N'F'), (N'g', N'G'), (N'h', N'H'), (N'i', N'I'), (N'j', N'J'), (N'k', N'K'), (N'l', N'L'), (N'm', N'M'), (N'n', N'N'), (N'o', N'O'), (N'p', N'P'), (N'q', N'Q'), (N'r', N'R'), (N's', N'S'), (N't', N'T'), (N'u', N'U'), (N'v', N'V'), (N'w', N'W'), (N'x', N'X'), (N'y', N'Y'), (N'z', N'Z')) AS k ([small], [large])), pair AS (SELECT CONCAT(x.[small], y.[small]) AS small, CONCAT(x.[small], y.[large]) AS rising, CONCAT(x.[large], y.[small]) AS falling, CONCAT(x.[large], y.[large]) AS large FROM letter AS x CROSS JOIN letter AS y) SELECT COUNT(*) AS told_apart FROM pair WHERE small COLLATE DATABASE_DEFAULT <> rising OR small COLLATE DATABASE_DEFAULT <> falling OR small COLLATE DATABASE_DEFAULT <> large OR small COLLATE CATALOG_DEFAULT <> rising OR small COLLATE CATALOG_DEFAULT <> falling OR small COLLATE CATALOG_DEFAULT <> large

-- batch
IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION

