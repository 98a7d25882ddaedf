-- batch
SET LANGUAGE us_english; SET DATEFORMAT ymd; SET DATEFIRST 7; SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET ANSI_PADDING ON; SET ANSI_WARNINGS ON; SET ANSI_NULL_DFLT_ON ON; SET ARITHABORT ON; SET CONCAT_NULL_YIELDS_NULL ON; SET NUMERIC_ROUNDABORT OFF; SET IMPLICIT_TRANSACTIONS OFF; SET CURSOR_CLOSE_ON_COMMIT OFF; SET XACT_ABORT ON; SET NOCOUNT ON; SET ROWCOUNT 0; SET TEXTSIZE 2147483647; SET LOCK_TIMEOUT 10000; SET TRANSACTION ISOLATION LEVEL READ COMMITTED

-- batch
IF OBJECT_ID(N'[dbo].[vmc_applied]', N'U') IS NULL CREATE TABLE [dbo].[vmc_applied] ([scope] nvarchar(400) COLLATE Latin1_General_100_BIN2 NOT NULL, [part] bigint NOT NULL, [epoch] bigint NOT NULL, [rows] bigint NOT NULL, [applied_at] datetime2(3) NOT NULL, PRIMARY KEY ([scope], [part]))

-- rpc @p1 nvarchar(4000)
SELECT CAST(OBJECT_ID(@p1, N'U') AS bigint) AS n

-- rpc @p1 nvarchar(4000), @p2 bigint
SELECT [rows] FROM [dbo].[vmc_applied] WHERE [scope] = @p1 AND [part] = @p2

-- rpc @p1 nvarchar(4000), @p2 bigint
SELECT [rows] FROM [dbo].[vmc_applied] WHERE [scope] = @p1 AND [part] = @p2

-- rpc @p1 nvarchar(4000), @p2 bigint
SELECT [rows] FROM [dbo].[vmc_applied] WHERE [scope] = @p1 AND [part] = @p2

-- batch
SELECT TOP (0) [id], [code], [line] INTO [dbo].[vmc_aside_1c168adb_acba25512100f80b] FROM [dbo].[orders]

-- batch
SET LANGUAGE us_english; SET DATEFORMAT ymd; SET DATEFIRST 7; SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET ANSI_PADDING ON; SET ANSI_WARNINGS ON; SET ANSI_NULL_DFLT_ON ON; SET ARITHABORT ON; SET CONCAT_NULL_YIELDS_NULL ON; SET NUMERIC_ROUNDABORT OFF; SET IMPLICIT_TRANSACTIONS OFF; SET CURSOR_CLOSE_ON_COMMIT OFF; SET XACT_ABORT ON; SET NOCOUNT ON; SET ROWCOUNT 0; SET TEXTSIZE 2147483647; SET LOCK_TIMEOUT 10000; SET TRANSACTION ISOLATION LEVEL READ COMMITTED

-- batch
BEGIN TRANSACTION

-- rpc @p1 nvarchar(4000), @p2 bigint
SELECT [rows], [epoch] FROM [dbo].[vmc_applied] WITH (UPDLOCK, HOLDLOCK) WHERE [scope] = @p1 AND [part] = @p2

-- rpc @p1 nvarchar(4000), @p2 bigint, @p3 bigint
INSERT INTO [dbo].[vmc_applied] ([scope], [part], [epoch], [rows], [applied_at]) VALUES (@p1, @p2, @p3, 0, SYSUTCDATETIME())

-- rpc @p1 nvarchar(4000), @p2 bigint
SELECT [rows] FROM [dbo].[vmc_applied] WHERE [scope] = @p1 AND [part] = @p2

-- rpc @p1 nvarchar(4000), @p2 bigint
SELECT [rows] FROM [dbo].[vmc_applied] WHERE [scope] = @p1 AND [part] = @p2

-- rpc @p1 nvarchar(4000)
SELECT c.name, COALESCE(b.name, u.name) AS type_name, c.max_length, c.precision, c.scale, c.collation_name, c.is_identity, c.is_computed FROM sys.columns AS c LEFT JOIN sys.types AS b ON b.user_type_id = c.system_type_id LEFT JOIN sys.types AS u ON u.user_type_id = c.user_type_id WHERE c.object_id = OBJECT_ID(@p1)

-- batch
CREATE TABLE #vmc_load ([id] bigint NULL, [code] nvarchar(20) COLLATE Latin1_General_100_BIN2 NULL, [line] bigint NULL, [vmc empty 0] bigint NOT NULL, [vmc row] bigint NOT NULL)

-- batch
SET FMTONLY ON select * from #vmc_load SET FMTONLY OFF

-- batch
insert bulk #vmc_load ([id] BIGINT, [code] NVARCHAR(20), [line] BIGINT, [vmc empty 0] BIGINT, [vmc row] BIGINT)

-- bulk
5 columns

-- batch
SELECT COUNT_BIG(*) AS rows_staged, SUM(CAST(DATALENGTH([code]) AS bigint)) AS bytes2 FROM #vmc_load

-- batch
INSERT INTO [dbo].[vmc_aside_1c168adb_acba25512100f80b] ([id], [code], [line]) SELECT s.[id], s.[code], s.[line] FROM #vmc_load AS s

-- batch
DROP TABLE #vmc_load

-- rpc @p1 nvarchar(4000), @p2 bigint, @p3 bigint
UPDATE [dbo].[vmc_applied] SET [rows] = @p3 WHERE [scope] = @p1 AND [part] = @p2

-- batch
COMMIT TRANSACTION

