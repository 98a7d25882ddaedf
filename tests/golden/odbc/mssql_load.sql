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

-- batch
CREATE TABLE "dbo"."vmc_applied" ([scope] nvarchar(400) COLLATE Latin1_General_100_BIN2 NOT NULL, [part] bigint NOT NULL, [epoch] bigint NOT NULL, [rows] bigint NOT NULL, [applied_at] datetime2(3) NOT NULL, PRIMARY KEY ([scope], [part]))

-- batch
SET DATEFORMAT ymd; SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET TEXTSIZE 2147483647

-- batch
SET NOCOUNT ON; SET LOCK_TIMEOUT 10000

-- rpc @P1 NVARCHAR(3), @P2 BIGINT
SELECT "rows", "epoch" FROM "dbo"."vmc_applied" WHERE "scope" = @P1 AND "part" = @P2

-- rpc @P1 NVARCHAR(3), @P2 BIGINT, @P3 BIGINT, @P4 VARCHAR(19)
INSERT INTO "dbo"."vmc_applied" ("scope", "part", "epoch", "rows", "applied_at") VALUES (@P1, @P2, @P3, 0, CAST(@P4 AS datetime2(7)))

-- rpc @P1 BIGINT, @P2 NVARCHAR(1), @P3 VARCHAR(5), @P4 VARCHAR(26), @P5 VARCHAR(36), @P6 VARBINARY(2), @P7 BIGINT
INSERT INTO "dbo"."orders" ("id", "note", "amount", "made", "owner", "blob") VALUES (@P1, @P2, CAST(@P3 AS decimal(38, 2)), CAST(@P4 AS datetime2(7)), CAST(@P5 AS uniqueidentifier), @P6), (@P7, NULL, NULL, NULL, NULL, NULL)

-- rpc @P1 BIGINT, @P2 BIGINT
SELECT "id", CAST("note" AS nvarchar(max)), "amount", CONVERT(nvarchar(27), "made", 121), "owner", CAST("blob" AS varbinary(max)) FROM "dbo"."orders" WHERE ("id" = @P1) OR ("id" = @P2)

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

-- rpc @P1 BIGINT
SELECT "id" FROM "dbo"."orders" WHERE ("id" = @P1)

-- rpc @P1 NVARCHAR(1), @P2 VARCHAR(5), @P3 VARCHAR(26), @P4 VARCHAR(36), @P5 VARBINARY(2), @P6 BIGINT
UPDATE "dbo"."orders" SET "note" = @P1, "amount" = CAST(@P2 AS decimal(38, 2)), "made" = CAST(@P3 AS datetime2(7)), "owner" = CAST(@P4 AS uniqueidentifier), "blob" = @P5 WHERE "id" = @P6

-- rpc @P1 BIGINT
SELECT "id", CAST("note" AS nvarchar(max)), "amount", CONVERT(nvarchar(27), "made", 121), "owner", CAST("blob" AS varbinary(max)) FROM "dbo"."orders" WHERE ("id" = @P1)

-- rpc @P1 BIGINT, @P2 NVARCHAR(3), @P3 BIGINT
UPDATE "dbo"."vmc_applied" SET "rows" = @P1 WHERE "scope" = @P2 AND "part" = @P3

-- rpc @P1 NVARCHAR(3), @P2 BIGINT
SELECT "rows", "epoch" FROM "dbo"."vmc_applied" WHERE "scope" = @P1 AND "part" = @P2

