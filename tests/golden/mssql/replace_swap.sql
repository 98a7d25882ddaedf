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

-- rpc @p1 nvarchar(4000), @p2 bigint
SELECT [rows] FROM [dbo].[vmc_applied] WHERE [scope] = @p1 AND [part] = @p2

-- rpc @p1 nvarchar(4000)
SELECT TOP (1) o.name FROM sys.foreign_keys AS k INNER JOIN sys.objects AS o ON o.object_id = k.parent_object_id WHERE k.referenced_object_id = OBJECT_ID(@p1) AND k.parent_object_id <> k.referenced_object_id AND k.delete_referential_action <> 0 ORDER BY o.name

-- batch
DELETE FROM [dbo].[orders] WITH (TABLOCKX, HOLDLOCK)

-- rpc @p1 nvarchar(4000)
SELECT CAST(OBJECT_ID(@p1, N'U') AS bigint) AS n

-- rpc @p1 nvarchar(4000)
SELECT c.name FROM sys.columns AS c WHERE c.object_id = OBJECT_ID(@p1) AND c.is_identity = 1

-- batch
INSERT INTO [dbo].[orders] ([id], [code], [line]) SELECT [id], [code], [line] FROM [dbo].[vmc_aside_1c168adb_acba25512100f80b]

-- batch
DROP TABLE [dbo].[vmc_aside_1c168adb_acba25512100f80b]

-- batch
SELECT COUNT_BIG(*) AS n FROM [dbo].[orders]

-- rpc @p1 nvarchar(4000), @p2 bigint, @p3 bigint
UPDATE [dbo].[vmc_applied] SET [rows] = @p3 WHERE [scope] = @p1 AND [part] = @p2

-- batch
COMMIT TRANSACTION

-- batch
SET LANGUAGE us_english; SET DATEFORMAT ymd; SET DATEFIRST 7; SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET ANSI_PADDING ON; SET ANSI_WARNINGS ON; SET ANSI_NULL_DFLT_ON ON; SET ARITHABORT ON; SET CONCAT_NULL_YIELDS_NULL ON; SET NUMERIC_ROUNDABORT OFF; SET IMPLICIT_TRANSACTIONS OFF; SET CURSOR_CLOSE_ON_COMMIT OFF; SET XACT_ABORT ON; SET NOCOUNT ON; SET ROWCOUNT 0; SET TEXTSIZE 2147483647; SET LOCK_TIMEOUT 10000; SET TRANSACTION ISOLATION LEVEL READ COMMITTED

-- rpc @p1 nvarchar(4000)
SELECT o.name FROM sys.objects AS o INNER JOIN sys.schemas AS s ON s.schema_id = o.schema_id WHERE o.type = N'U' AND s.name = @p1 AND SUBSTRING(o.name, 1, 10) = N'vmc_aside_'

-- batch
SELECT DISTINCT a.[scope] FROM [dbo].[vmc_applied] AS a WHERE a.[part] >= 0 AND a.[applied_at] > DATEADD(second, -86400, SYSUTCDATETIME()) AND NOT EXISTS (SELECT 1 AS n FROM [dbo].[vmc_applied] AS e WHERE e.[scope] = a.[scope] AND e.[part] < 0)

