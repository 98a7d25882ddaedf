-- batch
SET LANGUAGE us_english; SET DATEFORMAT ymd; SET DATEFIRST 7; SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET ANSI_PADDING ON; SET ANSI_WARNINGS ON; SET ANSI_NULL_DFLT_ON ON; SET ARITHABORT ON; SET CONCAT_NULL_YIELDS_NULL ON; SET NUMERIC_ROUNDABORT OFF; SET IMPLICIT_TRANSACTIONS OFF; SET CURSOR_CLOSE_ON_COMMIT OFF; SET XACT_ABORT ON; SET NOCOUNT ON; SET ROWCOUNT 0; SET TEXTSIZE 2147483647; SET LOCK_TIMEOUT 10000; SET TRANSACTION ISOLATION LEVEL READ COMMITTED

-- batch
IF OBJECT_ID(N'[dbo].[vmc_applied]', N'U') IS NULL CREATE TABLE [dbo].[vmc_applied] ([scope] nvarchar(400) COLLATE Latin1_General_100_BIN2 NOT NULL, [part] bigint NOT NULL, [epoch] bigint NOT NULL, [rows] bigint NOT NULL, [applied_at] datetime2(3) NOT NULL, PRIMARY KEY ([scope], [part]))

-- batch
SET LANGUAGE us_english; SET DATEFORMAT ymd; SET DATEFIRST 7; SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET ANSI_PADDING ON; SET ANSI_WARNINGS ON; SET ANSI_NULL_DFLT_ON ON; SET ARITHABORT ON; SET CONCAT_NULL_YIELDS_NULL ON; SET NUMERIC_ROUNDABORT OFF; SET IMPLICIT_TRANSACTIONS OFF; SET CURSOR_CLOSE_ON_COMMIT OFF; SET XACT_ABORT ON; SET NOCOUNT ON; SET ROWCOUNT 0; SET TEXTSIZE 2147483647; SET LOCK_TIMEOUT 10000; SET TRANSACTION ISOLATION LEVEL READ COMMITTED

-- batch
BEGIN TRANSACTION

-- rpc @p1 nvarchar(4000), @p2 bigint
SELECT [rows], [epoch] FROM [dbo].[vmc_applied] WITH (UPDLOCK, HOLDLOCK) WHERE [scope] = @p1 AND [part] = @p2

-- rpc @p1 nvarchar(4000), @p2 bigint, @p3 bigint
INSERT INTO [dbo].[vmc_applied] ([scope], [part], [epoch], [rows], [applied_at]) VALUES (@p1, @p2, @p3, 0, SYSUTCDATETIME())

-- rpc @p1 nvarchar(4000)
SELECT c.name, COALESCE(b.name, u.name) AS type_name, c.max_length, c.precision, c.scale, c.collation_name, c.is_identity, c.is_computed FROM sys.columns AS c LEFT JOIN sys.types AS b ON b.user_type_id = c.system_type_id LEFT JOIN sys.types AS u ON u.user_type_id = c.user_type_id WHERE c.object_id = OBJECT_ID(@p1)

-- batch
CREATE TABLE #vmc_load ([id] bigint NULL, [code] nvarchar(20) COLLATE Latin1_General_100_BIN2 NULL, [line] bigint NULL, [note] nvarchar(max) COLLATE Latin1_General_100_BIN2 NULL, [amount] decimal(12,2) NULL, [at] datetime2(7) NULL, [made] datetime2(7) NULL, [owner] uniqueidentifier NULL, [blob] varbinary(max) NULL, [vmc empty 0] bigint NOT NULL, [vmc row] bigint NOT NULL)

-- batch
SET FMTONLY ON select * from #vmc_load SET FMTONLY OFF

-- batch
insert bulk #vmc_load ([id] BIGINT, [code] NVARCHAR(20), [line] BIGINT, [note] NVARCHAR(MAX), [amount] DECIMAL(12,2), [at] DATETIME2, [made] DATETIME2, [owner] UNIQUEIDENTIFIER, [blob] VARBINARY(MAX), [vmc empty 0] BIGINT, [vmc row] BIGINT)

-- bulk
11 columns

-- batch
SELECT COUNT_BIG(*) AS rows_staged, SUM(CAST(DATALENGTH([code]) AS bigint)) AS bytes2, SUM(CAST(DATALENGTH([note]) AS bigint)) AS bytes4, SUM(CAST(DATALENGTH([blob]) AS bigint)) AS bytes9 FROM #vmc_load

-- batch
UPDATE #vmc_load SET [note] = N'' WHERE [vmc empty 0] & 8 <> 0

-- batch
UPDATE #vmc_load SET [blob] = 0x WHERE [vmc empty 0] & 256 <> 0

-- batch
SELECT TOP (1) 1 AS lost FROM #vmc_load WHERE CAST(CAST([code] AS varchar(max)) AS nvarchar(max)) COLLATE Latin1_General_100_BIN2 <> [code]

-- batch
INSERT INTO [dbo].[orders] ([id], [code], [line], [note], [amount], [at], [made], [owner], [blob]) SELECT s.[id], s.[code], s.[line], s.[note], s.[amount], s.[at], s.[made], s.[owner], s.[blob] FROM #vmc_load AS s

-- batch
DROP TABLE #vmc_load

-- rpc @p1 nvarchar(4000), @p2 bigint, @p3 bigint
UPDATE [dbo].[vmc_applied] SET [rows] = @p3 WHERE [scope] = @p1 AND [part] = @p2

-- batch
COMMIT TRANSACTION

