/* SQL Server 2016 or newer; the statements of this corpus that need more say so in their reason.
   Run with sqlcmd: GO separates the batches. The database is called shop, its collation is the server default
   (SQL_Latin1_General_CP1_CI_AS is assumed), compatibility level that of the server. */
IF DB_ID(N'shop') IS NULL CREATE DATABASE shop;
GO
USE shop;
GO
SET ANSI_NULLS, ANSI_PADDING, ANSI_WARNINGS, ARITHABORT, CONCAT_NULL_YIELDS_NULL, QUOTED_IDENTIFIER ON;
SET NUMERIC_ROUNDABORT OFF;
GO
CREATE SCHEMA archive;
GO
CREATE SCHEMA hr;
GO
CREATE TYPE dbo.phone_type FROM varchar(30) NULL;
GO
CREATE SEQUENCE dbo.invoice_no AS int START WITH 1000 INCREMENT BY 1;
GO
CREATE TABLE dbo.customers (
  id int NOT NULL CONSTRAINT pk_customers PRIMARY KEY,
  name nvarchar(120) NOT NULL,
  email nvarchar(200) NULL,
  phone varchar(30) NULL,
  country_code char(2) NOT NULL,
  parent_id int NULL CONSTRAINT fk_customers_parent REFERENCES dbo.customers (id),
  credit_limit decimal(12, 2) NULL,
  attributes nvarchar(max) NULL CONSTRAINT ck_customers_attributes CHECK (ISJSON(attributes) = 1),
  note nvarchar(max) NULL,
  created_at datetime2(0) NOT NULL CONSTRAINT df_customers_created DEFAULT SYSDATETIME(),
  updated_at datetime2(0) NULL
);
CREATE INDEX ix_customers_country ON dbo.customers (country_code) INCLUDE (name);

CREATE TABLE dbo.categories (
  id int NOT NULL CONSTRAINT pk_categories PRIMARY KEY,
  parent_id int NULL CONSTRAINT fk_categories_parent REFERENCES dbo.categories (id),
  name nvarchar(100) NOT NULL
);

CREATE TABLE dbo.products (
  id int NOT NULL CONSTRAINT pk_products PRIMARY KEY,
  sku varchar(40) NOT NULL CONSTRAINT uq_products_sku UNIQUE,
  name nvarchar(200) NOT NULL,
  category_id int NULL CONSTRAINT fk_products_category REFERENCES dbo.categories (id),
  price decimal(12, 2) NOT NULL,
  active bit NOT NULL CONSTRAINT df_products_active DEFAULT 1,
  attributes nvarchar(max) NULL CONSTRAINT ck_products_attributes CHECK (ISJSON(attributes) = 1),
  weight float NULL,
  created_at datetime2(0) NOT NULL CONSTRAINT df_products_created DEFAULT SYSDATETIME()
);

CREATE TABLE dbo.departments (
  id int NOT NULL CONSTRAINT pk_departments PRIMARY KEY,
  name nvarchar(100) NOT NULL,
  budget decimal(14, 2) NULL
);

CREATE TABLE dbo.employees (
  id int NOT NULL CONSTRAINT pk_employees PRIMARY KEY,
  manager_id int NULL CONSTRAINT fk_employees_manager REFERENCES dbo.employees (id),
  department_id int NULL CONSTRAINT fk_employees_department REFERENCES dbo.departments (id),
  name nvarchar(120) NOT NULL,
  email nvarchar(200) NULL,
  hired_on date NOT NULL
);

CREATE TABLE dbo.orders (
  id int NOT NULL CONSTRAINT pk_orders PRIMARY KEY,
  customer_id int NOT NULL CONSTRAINT fk_orders_customer REFERENCES dbo.customers (id),
  employee_id int NULL CONSTRAINT fk_orders_employee REFERENCES dbo.employees (id),
  status varchar(20) NOT NULL,
  currency char(3) NOT NULL,
  total decimal(14, 2) NOT NULL,
  ordered_at datetime2(0) NOT NULL,
  shipped_at datetime2(0) NULL,
  comment nvarchar(400) NULL
);
CREATE INDEX ix_orders_customer ON dbo.orders (customer_id, ordered_at);

CREATE TABLE dbo.order_lines (
  order_id int NOT NULL CONSTRAINT fk_lines_order REFERENCES dbo.orders (id) ON DELETE CASCADE,
  line_no int NOT NULL,
  product_id int NOT NULL CONSTRAINT fk_lines_product REFERENCES dbo.products (id),
  quantity decimal(12, 3) NOT NULL,
  unit_price decimal(12, 2) NOT NULL,
  discount decimal(5, 4) NOT NULL CONSTRAINT df_lines_discount DEFAULT 0,
  CONSTRAINT pk_order_lines PRIMARY KEY (order_id, line_no)
);

CREATE TABLE dbo.salaries (
  employee_id int NOT NULL CONSTRAINT fk_salaries_employee REFERENCES dbo.employees (id),
  amount decimal(12, 2) NOT NULL,
  valid_from date NOT NULL,
  valid_to date NULL,
  CONSTRAINT pk_salaries PRIMARY KEY (employee_id, valid_from)
);

CREATE TABLE dbo.events (
  id bigint IDENTITY(1, 1) NOT NULL CONSTRAINT pk_events PRIMARY KEY,
  customer_id int NULL,
  kind varchar(40) NOT NULL,
  happened_at datetimeoffset(3) NOT NULL,
  payload nvarchar(max) NULL CONSTRAINT ck_events_payload CHECK (ISJSON(payload) = 1)
);

/* a temporal table with hidden period columns, so that FOR SYSTEM_TIME can be read */
CREATE TABLE dbo.stock (
  product_id int NOT NULL CONSTRAINT fk_stock_product REFERENCES dbo.products (id),
  warehouse varchar(20) NOT NULL,
  quantity int NOT NULL,
  counted_at datetime2(0) NULL,
  sys_start datetime2(3) GENERATED ALWAYS AS ROW START HIDDEN NOT NULL,
  sys_end datetime2(3) GENERATED ALWAYS AS ROW END HIDDEN NOT NULL,
  PERIOD FOR SYSTEM_TIME (sys_start, sys_end),
  CONSTRAINT pk_stock PRIMARY KEY (product_id, warehouse)
) WITH (SYSTEM_VERSIONING = ON (HISTORY_TABLE = dbo.stock_history));

CREATE TABLE dbo.[order] (
  id int NOT NULL CONSTRAINT pk_order PRIMARY KEY,
  [update] datetime2(0) NULL,
  [select] nvarchar(50) NULL,
  [group] nvarchar(50) NULL,
  [replace] nvarchar(50) NULL,
  [delete] bit NULL
);

CREATE TABLE dbo.[Sales Report] (
  [Net Amount] decimal(14, 2) NULL,
  [Year] int NOT NULL
);

CREATE TABLE archive.orders_2019 (
  id int NOT NULL CONSTRAINT pk_orders_2019 PRIMARY KEY,
  customer_id int NOT NULL,
  employee_id int NULL,
  status varchar(20) NOT NULL,
  currency char(3) NOT NULL,
  total decimal(14, 2) NOT NULL,
  ordered_at datetime2(0) NOT NULL,
  shipped_at datetime2(0) NULL,
  comment nvarchar(400) NULL
);
GO
CREATE VIEW dbo.customer_totals AS
SELECT c.id AS customer_id, c.name, c.country_code,
       COUNT(o.id) AS order_count, SUM(o.total) AS total_amount, MAX(o.ordered_at) AS last_order_at
FROM dbo.customers AS c
LEFT JOIN dbo.orders AS o ON o.customer_id = c.id
GROUP BY c.id, c.name, c.country_code;
GO
CREATE VIEW dbo.staff_pay AS
SELECT e.id AS employee_id, e.name, e.department_id, s.amount, s.valid_from
FROM dbo.employees AS e
JOIN dbo.salaries AS s ON s.employee_id = e.id
WHERE s.valid_to IS NULL;
GO
/* an indexed view, for NOEXPAND */
CREATE VIEW dbo.order_counts WITH SCHEMABINDING AS
SELECT customer_id, COUNT_BIG(*) AS order_count
FROM dbo.orders
GROUP BY customer_id;
GO
CREATE UNIQUE CLUSTERED INDEX ix_order_counts ON dbo.order_counts (customer_id);
GO
/* the customer's own code: nothing of it is known to be harmless */
CREATE PROCEDURE dbo.touch_customer @id int AS
UPDATE dbo.customers SET updated_at = SYSDATETIME() WHERE id = @id;
GO
CREATE FUNCTION dbo.customer_label (@id int) RETURNS nvarchar(400) AS
BEGIN
  RETURN (SELECT c.name + N' <' + c.email + N'>' FROM dbo.customers AS c WHERE c.id = @id);
END;
GO
CREATE FUNCTION dbo.orders_of (@customer_id int) RETURNS TABLE AS
RETURN (SELECT o.id, o.total, o.ordered_at FROM dbo.orders AS o WHERE o.customer_id = @customer_id);
GO
/* a schema named like a table alias might be, with a function named like an XML method */
CREATE FUNCTION hr.value (@path nvarchar(200), @type nvarchar(40)) RETURNS decimal(12, 2) AS
BEGIN
  RETURN (SELECT MAX(s.amount) FROM dbo.salaries AS s);
END;
GO
CREATE SYNONYM dbo.wages FOR dbo.salaries;
GO
INSERT INTO dbo.customers (id, name, email, phone, country_code, parent_id, credit_limit, attributes, note, created_at, updated_at) VALUES
  (1, N'Nordwind GmbH', N'buero@nordwind.example', '+49 30 1234', 'DE', NULL, 50000.00, N'{"segment":"wholesale","vip":true,"tags":["b2b","key"],"address":{"city":"Berlin","zip":"10115"}}', N'Rahmenvertrag', '2018-02-01T09:00:00', '2024-01-10T08:00:00'),
  (2, N'Zażółć Sp. z o.o.', N'biuro@zazolc.example', '+48 22 555', 'PL', 1, 12000.00, N'{"segment":"retail","vip":false,"tags":["new"],"address":{"city":"Kraków","zip":"30-001"}}', NULL, '2019-06-15T12:30:00', NULL),
  (3, N'O''Brien & Sons', NULL, NULL, 'IE', 1, NULL, NULL, N'50% off; -- call first', '2021-11-30T00:00:00', '2023-05-05T10:00:00'),
  (4, N'Société Générique', N'contact@generique.example', '+33 1 40 00', 'FR', NULL, 0.00, N'{"segment":"retail","tags":[]}', N'', '2023-03-08T17:45:00', NULL);

INSERT INTO dbo.categories (id, parent_id, name) VALUES (1, NULL, N'Goods'), (2, 1, N'Tools'), (3, 2, N'Hand tools'), (4, 1, N'Garden');

INSERT INTO dbo.products (id, sku, name, category_id, price, active, attributes, weight, created_at) VALUES
  (10, 'HMR-001', N'Hammer', 3, 19.90, 1, N'{"color":"red","sizes":["S","M"],"warranty":{"months":24}}', 0.8, '2018-01-01T00:00:00'),
  (11, 'SAW-002', N'Saw', 3, 34.50, 1, N'{"color":"blue","sizes":["L"]}', 1.25, '2019-04-01T00:00:00'),
  (12, 'HOS-003', N'Garden hose', 4, 49.00, 0, NULL, NULL, '2020-07-01T00:00:00'),
  (13, 'GFT-999', N'Gift card', NULL, 25.00, 1, N'{}', 0, '2022-12-01T00:00:00');

INSERT INTO dbo.departments (id, name, budget) VALUES (1, N'Sales', 250000.00), (2, N'Warehouse', 90000.00), (3, N'Board', NULL);

INSERT INTO dbo.employees (id, manager_id, department_id, name, email, hired_on) VALUES
  (100, NULL, 3, N'Ada Nowak', N'ada@shop.example', '2010-01-04'),
  (101, 100, 1, N'Björn Lind', N'bjorn@shop.example', '2015-09-01'),
  (102, 101, 1, N'Chiara Rossi', N'chiara@shop.example', '2019-02-18'),
  (103, 100, 2, N'Dai Evans', NULL, '2021-06-07');

INSERT INTO dbo.orders (id, customer_id, employee_id, status, currency, total, ordered_at, shipped_at, comment) VALUES
  (1001, 1, 101, 'shipped', 'EUR', 1250.00, '2023-01-15T10:00:00', '2023-01-17T08:00:00', NULL),
  (1002, 1, 102, 'open', 'EUR', 380.50, '2024-02-20T14:30:00', NULL, N'deliver before noon'),
  (1003, 2, 102, 'shipped', 'PLN', 99.00, '2023-12-31T23:59:59', '2024-01-03T06:00:00', N'gift; do not "update" the invoice'),
  (1004, 3, NULL, 'cancelled', 'EUR', 0.00, '2024-03-01T00:00:00', NULL, NULL),
  (1005, 4, 101, 'paid', 'USD', 19.90, '2024-03-02T09:15:00', NULL, NULL);

INSERT INTO dbo.order_lines (order_id, line_no, product_id, quantity, unit_price, discount) VALUES
  (1001, 1, 10, 50.000, 19.90, 0.1000), (1001, 2, 11, 10.000, 34.50, 0.0000), (1002, 1, 12, 7.500, 49.00, 0.0500),
  (1003, 1, 13, 4.000, 25.00, 0.0100), (1005, 1, 10, 1.000, 19.90, 0.0000);

INSERT INTO dbo.salaries (employee_id, amount, valid_from, valid_to) VALUES
  (100, 12000.00, '2020-01-01', NULL), (101, 7000.00, '2019-01-01', '2022-12-31'), (101, 7800.00, '2023-01-01', NULL),
  (102, 5600.00, '2019-02-18', NULL), (103, 4300.00, '2021-06-07', NULL);

INSERT INTO dbo.events (customer_id, kind, happened_at, payload) VALUES
  (1, 'login', '2024-03-01T08:00:00.000+01:00', N'{"ip":"10.0.0.1","ms":120}'),
  (1, 'view', '2024-03-01T08:05:00.000+01:00', N'{"page":"/home","ms":35,"items":[{"sku":"HMR-001","qty":2},{"sku":"SAW-002","qty":1}]}'),
  (2, 'login', '2024-03-02T22:10:00.000+01:00', N'{"ip":"10.0.0.2"}'),
  (NULL, 'ping', '2024-03-03T00:00:00.000+00:00', NULL);

INSERT INTO dbo.stock (product_id, warehouse, quantity, counted_at) VALUES
  (10, 'WAW', 120, '2024-01-31T18:00:00'), (10, 'BER', 15, '2024-01-31T18:00:00'), (11, 'WAW', 0, NULL), (12, 'BER', 40, '2023-12-31T12:00:00');

INSERT INTO dbo.[order] (id, [update], [select], [group], [replace], [delete]) VALUES
  (1, '2024-01-01T00:00:00', N'a', N'x', N'no', 0), (2, NULL, N'b', N'x', NULL, 1), (3, '2024-02-02T02:02:02', NULL, N'y', N'yes', NULL);

INSERT INTO dbo.[Sales Report] ([Net Amount], [Year]) VALUES (100000.00, 2022), (123456.78, 2023), (NULL, 2024);

INSERT INTO archive.orders_2019 (id, customer_id, employee_id, status, currency, total, ordered_at, shipped_at, comment) VALUES
  (501, 1, 101, 'shipped', 'EUR', 700.00, '2019-05-05T10:00:00', '2019-05-06T10:00:00', NULL),
  (502, 2, NULL, 'shipped', 'PLN', 45.00, '2019-12-24T16:00:00', '2019-12-27T09:00:00', N'xmas');
GO
EXEC sys.sp_addextendedproperty @name = N'MS_Description', @value = N'Everybody we sell to', @level0type = N'SCHEMA', @level0name = N'dbo', @level1type = N'TABLE', @level1name = N'customers';
GO
/* full-text search is an optional component of the server; the statements of class full-text need it */
IF FULLTEXTSERVICEPROPERTY('IsFullTextInstalled') = 1
BEGIN
  EXEC (N'CREATE FULLTEXT CATALOG shop_catalog AS DEFAULT');
  EXEC (N'CREATE FULLTEXT INDEX ON dbo.products (name, attributes) KEY INDEX pk_products ON shop_catalog WITH CHANGE_TRACKING AUTO');
  EXEC (N'CREATE FULLTEXT INDEX ON dbo.customers (name, email, note) KEY INDEX pk_customers ON shop_catalog WITH CHANGE_TRACKING AUTO');
END;
GO
