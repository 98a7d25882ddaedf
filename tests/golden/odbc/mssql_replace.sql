-- batch
SET DATEFORMAT ymd; SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET TEXTSIZE 2147483647

-- batch
SET NOCOUNT ON; SET LOCK_TIMEOUT 10000

-- catalogue @table_name = vmc_applied, @table_owner = dbo, @table_qualifier = odbc_golden, @table_type = 'TABLE','VIEW'
sp_tableswc

-- batch
SET DATEFORMAT ymd; SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET TEXTSIZE 2147483647

-- batch
SET NOCOUNT ON; SET LOCK_TIMEOUT 10000

-- catalogue @table_name = vmc_aside_1c168adb_acba25512100f80b, @table_owner = dbo, @table_qualifier = odbc_golden, @table_type = 'TABLE','VIEW'
sp_tableswc

-- rpc @P1 NVARCHAR(3), @P2 BIGINT
SELECT "rows", "epoch" FROM "dbo"."vmc_applied" WHERE "scope" = @P1 AND "part" = @P2

-- rpc @P1 NVARCHAR(3), @P2 BIGINT
SELECT "rows", "epoch" FROM "dbo"."vmc_applied" WHERE "scope" = @P1 AND "part" = @P2

-- rpc @P1 NVARCHAR(3), @P2 BIGINT
SELECT "rows", "epoch" FROM "dbo"."vmc_applied" WHERE "scope" = @P1 AND "part" = @P2

-- batch
SET DATEFORMAT ymd; SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET TEXTSIZE 2147483647

-- batch
SET NOCOUNT ON; SET LOCK_TIMEOUT 10000

-- batch
SELECT TOP (0) "id", "note", "amount", "made", "owner", "blob" INTO "dbo"."vmc_aside_1c168adb_acba25512100f80b" FROM "dbo"."orders"

-- batch
CREATE INDEX "vmc_aside_1c168adb_acba25512100f80b_k" ON "dbo"."vmc_aside_1c168adb_acba25512100f80b" ("id")

-- batch
SET DATEFORMAT ymd; SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET TEXTSIZE 2147483647

-- batch
SET NOCOUNT ON; SET LOCK_TIMEOUT 10000

-- rpc @P1 NVARCHAR(3), @P2 BIGINT
SELECT "rows", "epoch" FROM "dbo"."vmc_applied" WHERE "scope" = @P1 AND "part" = @P2

-- rpc @P1 NVARCHAR(3), @P2 BIGINT, @P3 BIGINT, @P4 VARCHAR(19)
INSERT INTO "dbo"."vmc_applied" ("scope", "part", "epoch", "rows", "applied_at") VALUES (@P1, @P2, @P3, 0, CAST(@P4 AS datetime2(7)))

-- rpc @P1 NVARCHAR(3), @P2 BIGINT
SELECT "rows", "epoch" FROM "dbo"."vmc_applied" WHERE "scope" = @P1 AND "part" = @P2

-- rpc @P1 NVARCHAR(3), @P2 BIGINT
SELECT "rows", "epoch" FROM "dbo"."vmc_applied" WHERE "scope" = @P1 AND "part" = @P2

-- rpc @P1 BIGINT, @P2 NVARCHAR(1), @P3 VARCHAR(5), @P4 VARCHAR(26), @P5 VARCHAR(36), @P6 VARBINARY(2)
INSERT INTO "dbo"."vmc_aside_1c168adb_acba25512100f80b" ("id", "note", "amount", "made", "owner", "blob") VALUES (@P1, @P2, CAST(@P3 AS decimal(38, 2)), CAST(@P4 AS datetime2(7)), CAST(@P5 AS uniqueidentifier), @P6)

-- rpc @P1 BIGINT
SELECT "id", CAST("note" AS nvarchar(max)), "amount", CONVERT(nvarchar(27), "made", 121), "owner", CAST("blob" AS varbinary(max)) FROM "dbo"."vmc_aside_1c168adb_acba25512100f80b" WHERE ("id" = @P1)

-- rpc @P1 BIGINT, @P2 NVARCHAR(3), @P3 BIGINT
UPDATE "dbo"."vmc_applied" SET "rows" = @P1 WHERE "scope" = @P2 AND "part" = @P3

-- rpc @P1 NVARCHAR(3), @P2 BIGINT
SELECT "rows", "epoch" FROM "dbo"."vmc_applied" WHERE "scope" = @P1 AND "part" = @P2

-- batch
SET DATEFORMAT ymd; SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET TEXTSIZE 2147483647

-- batch
SET NOCOUNT ON; SET LOCK_TIMEOUT 10000

-- catalogue @table_name = vmc_applied, @table_owner = dbo, @table_qualifier = odbc_golden, @table_type = 'TABLE','VIEW'
sp_tableswc

-- batch
SET DATEFORMAT ymd; SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET TEXTSIZE 2147483647

-- batch
SET NOCOUNT ON; SET LOCK_TIMEOUT 10000

-- rpc @P1 NVARCHAR(3), @P2 BIGINT
SELECT "rows", "epoch" FROM "dbo"."vmc_applied" WHERE "scope" = @P1 AND "part" = @P2

-- rpc @P1 NVARCHAR(3), @P2 BIGINT, @P3 BIGINT, @P4 VARCHAR(19)
INSERT INTO "dbo"."vmc_applied" ("scope", "part", "epoch", "rows", "applied_at") VALUES (@P1, @P2, @P3, 0, CAST(@P4 AS datetime2(7)))

-- rpc @P1 NVARCHAR(3), @P2 BIGINT
SELECT "rows", "epoch" FROM "dbo"."vmc_applied" WHERE "scope" = @P1 AND "part" = @P2

-- rpc @P1 NVARCHAR(3), @P2 NVARCHAR(6)
SELECT o.name FROM sys.foreign_keys AS k INNER JOIN sys.objects AS o ON o.object_id = k.parent_object_id INNER JOIN sys.objects AS t ON t.object_id = k.referenced_object_id INNER JOIN sys.schemas AS s ON s.schema_id = t.schema_id WHERE s.name = @P1 AND t.name = @P2 AND k.parent_object_id <> k.referenced_object_id AND k.delete_referential_action <> 0 ORDER BY o.name

-- catalogue @table_name = vmc_aside_1c168adb_acba25512100f80b, @table_owner = dbo, @table_qualifier = odbc_golden, @table_type = 'TABLE','VIEW'
sp_tableswc

-- batch
DELETE FROM "dbo"."orders" WITH (TABLOCKX, HOLDLOCK)

-- batch
INSERT INTO "dbo"."orders" ("id", "note", "amount", "made", "owner", "blob") SELECT "id", "note", "amount", "made", "owner", "blob" FROM "dbo"."vmc_aside_1c168adb_acba25512100f80b"

-- batch
SELECT COUNT_BIG(*) AS n FROM "dbo"."orders"

-- rpc @P1 BIGINT, @P2 NVARCHAR(3), @P3 BIGINT
UPDATE "dbo"."vmc_applied" SET "rows" = @P1 WHERE "scope" = @P2 AND "part" = @P3

-- rpc @P1 NVARCHAR(3), @P2 BIGINT
SELECT "rows", "epoch" FROM "dbo"."vmc_applied" WHERE "scope" = @P1 AND "part" = @P2

-- batch
SET DATEFORMAT ymd; SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET TEXTSIZE 2147483647

-- batch
SET NOCOUNT ON; SET LOCK_TIMEOUT 10000

-- catalogue @table_name = vmc_aside_%, @table_owner = dbo, @table_qualifier = odbc_golden, @table_type = 'TABLE','VIEW'
sp_tableswc

-- rpc @P1 VARCHAR(19)
SELECT DISTINCT a."scope" FROM "dbo"."vmc_applied" a WHERE a."part" >= 0 AND a."applied_at" > CAST(@P1 AS datetime2(7)) AND NOT EXISTS (SELECT 1 FROM "dbo"."vmc_applied" e WHERE e."scope" = a."scope" AND e."part" < 0)

-- batch
SET DATEFORMAT ymd; SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET TEXTSIZE 2147483647

-- batch
SET NOCOUNT ON; SET LOCK_TIMEOUT 10000

-- batch
DROP TABLE "dbo"."vmc_aside_1c168adb_acba25512100f80b"

-- batch
SET DATEFORMAT ymd; SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET TEXTSIZE 2147483647

-- batch
SET NOCOUNT ON; SET LOCK_TIMEOUT 10000

-- catalogue @table_name = vmc_applied, @table_owner = dbo, @table_qualifier = odbc_golden, @table_type = 'TABLE','VIEW'
sp_tableswc

-- batch
SET DATEFORMAT ymd; SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET TEXTSIZE 2147483647

-- batch
SET NOCOUNT ON; SET LOCK_TIMEOUT 10000

-- rpc @P1 NVARCHAR(5), @P2 BIGINT
SELECT "rows", "epoch" FROM "dbo"."vmc_applied" WHERE "scope" = @P1 AND "part" = @P2

-- rpc @P1 NVARCHAR(5), @P2 BIGINT, @P3 BIGINT, @P4 VARCHAR(19)
INSERT INTO "dbo"."vmc_applied" ("scope", "part", "epoch", "rows", "applied_at") VALUES (@P1, @P2, @P3, 0, CAST(@P4 AS datetime2(7)))

-- catalogue @table_name = vmc_aside_1c168adb_d9298a10d1b07358, @table_owner = dbo, @table_qualifier = odbc_golden, @table_type = 'TABLE','VIEW'
sp_tableswc

