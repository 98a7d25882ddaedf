-- batch
SET DATEFORMAT ymd; SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET TEXTSIZE 2147483647

-- rpc @P1 NVARCHAR(2), @P2 VARCHAR(26)
SELECT TOP (5) "id", CAST("note" AS nvarchar(max)), "amount", CONVERT(nvarchar(27), "made", 121), "owner", CAST("blob" AS varbinary(max)) FROM "dbo"."orders" WHERE ((CAST("note" AS nvarchar(max)) COLLATE Latin1_General_100_BIN2 LIKE @P1 ESCAPE N'\') AND ("made" >= CAST(@P2 AS datetime2(7)))) ORDER BY "id" DESC

