-- batch
SET LANGUAGE us_english; SET DATEFORMAT ymd; SET DATEFIRST 7; SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET ANSI_PADDING ON; SET ANSI_WARNINGS ON; SET ANSI_NULL_DFLT_ON ON; SET ARITHABORT ON; SET CONCAT_NULL_YIELDS_NULL ON; SET NUMERIC_ROUNDABORT OFF; SET IMPLICIT_TRANSACTIONS OFF; SET CURSOR_CLOSE_ON_COMMIT OFF; SET XACT_ABORT ON; SET NOCOUNT ON; SET ROWCOUNT 0; SET TEXTSIZE 2147483647; SET LOCK_TIMEOUT 10000; SET TRANSACTION ISOLATION LEVEL SNAPSHOT

-- batch
BEGIN TRANSACTION

-- rpc @p1 nvarchar(4000), @p2 nvarchar(4000), @p3 nvarchar(4000), @p4 nvarchar(4000), @p6 nvarchar(4000), @p7 nvarchar(4000), @p8 varbinary(8000), @p9 nvarchar(4000), @p10 bigint, @p11 nvarchar(4000), @p12 bigint, @p13 bigint
DECLARE @p5 nvarchar(4000) = N''; SELECT TOP (@p13) [id], CAST([code] AS nvarchar(20)) AS [code], [note], [amount], [at], [made], [owner], [blob] FROM [dbo].[orders] WHERE (([amount] >= CAST(@p1 AS decimal(38, 2))) AND ([at] < CAST(@p2 AS datetime)) AND ([made] > CAST(@p3 AS datetime2(7))) AND ([code] IN (@p4, @p5)) AND ([note] COLLATE Latin1_General_100_BIN2 LIKE @p6 ESCAPE N'\') AND ([owner] = CAST(@p7 AS uniqueidentifier)) AND ([blob] <> @p8) AND ([note] IS NOT NULL)) AND ([code] > @p9 OR ([code] = @p9 AND ([line] > @p10))) AND ([code] < @p11 OR ([code] = @p11 AND ([line] <= @p12))) ORDER BY [code], [id] DESC

-- batch
IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION

