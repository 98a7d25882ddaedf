-- The tables the guard corpus of this dialect speaks of. MariaDB 10.6 or newer (sequence, EXECUTE IMMEDIATE of CREATE FUNCTION).
-- Every statement ends with a semicolon at a line end, and no string holds one there; semicolons inside strings stand
-- in mid-line. So the file can be sent whole (multi statements), piped through the command-line client, or cut by a simple splitter.

SET NAMES utf8mb4;

DROP DATABASE IF EXISTS shop;
DROP DATABASE IF EXISTS archive;
CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
CREATE DATABASE archive CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
USE shop;

CREATE TABLE customers (
  id INT NOT NULL AUTO_INCREMENT,
  name VARCHAR(120) NOT NULL,
  email VARCHAR(190) NULL,
  phone VARCHAR(40) NULL,
  country_code CHAR(2) NULL,
  parent_id INT NULL,
  credit_limit DECIMAL(12,2) NULL DEFAULT 0.00,
  attributes JSON NULL,
  note TEXT NULL,
  created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMP NULL DEFAULT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY ux_customers_email (email),
  KEY ix_customers_country (country_code, created_at),
  KEY ix_customers_parent (parent_id),
  FULLTEXT KEY ft_customers_note (note)
) ENGINE=InnoDB;

CREATE TABLE categories (
  id INT NOT NULL PRIMARY KEY,
  parent_id INT NULL,
  name VARCHAR(80) NOT NULL,
  KEY ix_categories_parent (parent_id)
) ENGINE=InnoDB;

CREATE TABLE products (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  sku VARCHAR(40) NOT NULL,
  name VARCHAR(160) NOT NULL,
  category_id INT NULL,
  price DECIMAL(10,2) NOT NULL,
  active BOOLEAN NOT NULL DEFAULT TRUE,
  attributes JSON NULL,
  weight FLOAT NULL,
  created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  UNIQUE KEY ux_products_sku (sku),
  KEY ix_products_category (category_id),
  FULLTEXT KEY ft_products_name (name, sku),
  FULLTEXT KEY ft_products_name_only (name)
) ENGINE=InnoDB;

CREATE TABLE departments (
  id INT NOT NULL PRIMARY KEY,
  name VARCHAR(80) NOT NULL,
  budget DECIMAL(14,2) NULL
) ENGINE=InnoDB;

CREATE TABLE employees (
  id INT NOT NULL PRIMARY KEY,
  manager_id INT NULL,
  department_id INT NULL,
  name VARCHAR(120) NOT NULL,
  email VARCHAR(190) NULL,
  hired_on DATE NOT NULL,
  KEY ix_employees_manager (manager_id),
  KEY ix_employees_department (department_id)
) ENGINE=InnoDB;

CREATE TABLE salaries (
  employee_id INT NOT NULL,
  amount DECIMAL(12,2) NOT NULL,
  valid_from DATE NOT NULL,
  valid_to DATE NULL,
  PRIMARY KEY (employee_id, valid_from)
) ENGINE=InnoDB;

CREATE TABLE orders (
  id INT NOT NULL AUTO_INCREMENT,
  customer_id INT NOT NULL,
  employee_id INT NULL,
  status VARCHAR(20) NOT NULL DEFAULT 'new',
  currency CHAR(3) NOT NULL DEFAULT 'EUR',
  total DECIMAL(12,2) NOT NULL DEFAULT 0,
  ordered_at DATETIME NOT NULL,
  shipped_at DATETIME NULL,
  comment TEXT NULL,
  PRIMARY KEY (id, ordered_at),
  KEY ix_orders_customer (customer_id, ordered_at),
  KEY ix_orders_status (status),
  KEY ix_orders_employee (employee_id)
) ENGINE=InnoDB
PARTITION BY RANGE (YEAR(ordered_at)) (
  PARTITION p2023 VALUES LESS THAN (2024),
  PARTITION p2024 VALUES LESS THAN (2025),
  PARTITION pmax VALUES LESS THAN MAXVALUE
);

CREATE TABLE order_lines (
  order_id INT NOT NULL,
  line_no INT NOT NULL,
  product_id INT NOT NULL,
  quantity DECIMAL(10,3) NOT NULL,
  unit_price DECIMAL(10,2) NOT NULL,
  discount DECIMAL(5,2) NULL,
  PRIMARY KEY (order_id, line_no),
  KEY ix_order_lines_product (product_id)
) ENGINE=InnoDB;

CREATE TABLE events (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  customer_id INT NULL,
  kind VARCHAR(40) NOT NULL,
  happened_at DATETIME(6) NOT NULL,
  payload JSON NULL,
  KEY ix_events_customer (customer_id, happened_at)
) ENGINE=InnoDB;

CREATE TABLE stock (
  product_id INT NOT NULL,
  warehouse VARCHAR(20) NOT NULL,
  quantity INT NOT NULL,
  counted_at DATETIME NULL,
  PRIMARY KEY (product_id, warehouse)
) ENGINE=InnoDB WITH SYSTEM VERSIONING;

CREATE TABLE `order` (
  id INT NOT NULL PRIMARY KEY,
  `update` VARCHAR(40) NULL,
  `select` INT NULL,
  `group` VARCHAR(40) NULL,
  `replace` VARCHAR(40) NULL,
  `delete` TINYINT(1) NOT NULL DEFAULT 0
) ENGINE=InnoDB;

CREATE TABLE `Sales Report` (
  `Net Amount` DECIMAL(12,2) NOT NULL,
  `Year` INT NOT NULL,
  PRIMARY KEY (`Year`)
) ENGINE=InnoDB;

CREATE TABLE archive.orders_2019 (
  id INT NOT NULL PRIMARY KEY,
  customer_id INT NOT NULL,
  status VARCHAR(20) NOT NULL,
  total DECIMAL(12,2) NOT NULL,
  ordered_at DATETIME NOT NULL
) ENGINE=InnoDB;

CREATE SEQUENCE invoice_seq START WITH 1000 INCREMENT BY 1 NOCACHE;

CREATE TABLE invoices (
  id BIGINT NOT NULL DEFAULT (NEXT VALUE FOR shop.invoice_seq) PRIMARY KEY,
  order_id INT NOT NULL,
  issued_on DATE NOT NULL
) ENGINE=InnoDB;

CREATE VIEW customer_totals AS
SELECT c.id AS customer_id, c.name AS customer_name, c.country_code, COUNT(o.id) AS order_count,
       COALESCE(SUM(o.total), 0) AS total_spent, MAX(o.ordered_at) AS last_order_at
FROM customers c LEFT JOIN orders o ON o.customer_id = c.id
GROUP BY c.id, c.name, c.country_code;

CREATE VIEW staff_pay AS
SELECT e.id AS employee_id, e.name AS employee_name, e.department_id, s.amount, s.valid_from, s.valid_to
FROM employees e JOIN salaries s ON s.employee_id = e.id;

-- Routines: bodies are strings, so that no client has to change its delimiter.
EXECUTE IMMEDIATE 'CREATE FUNCTION touch_customer(cid INT) RETURNS INT MODIFIES SQL DATA BEGIN UPDATE shop.customers SET updated_at = ''2030-01-01 00:00:00'' WHERE id = cid; RETURN ROW_COUNT(); END';
EXECUTE IMMEDIATE 'CREATE FUNCTION vat_of(net DECIMAL(12,2)) RETURNS DECIMAL(12,2) DETERMINISTIC NO SQL RETURN ROUND(net * 0.19, 2)';
EXECUTE IMMEDIATE 'CREATE PROCEDURE raise_prices(pct INT) BEGIN UPDATE shop.products SET price = price * (1 + pct / 100); END';

INSERT INTO categories (id, parent_id, name) VALUES
  (1, NULL, 'All goods'), (2, 1, 'Tools'), (3, 1, 'Office'), (4, 2, 'Drills'), (5, 3, 'Paper');

INSERT INTO products (id, sku, name, category_id, price, active, attributes, weight, created_at) VALUES
  (1, 'DR-100', 'Cordless drill', 4, 129.90, TRUE, '{"color": "blue", "tags": ["power", "new"], "dims": {"w": 20, "h": 25}}', 1.8, '2023-02-01 09:00:00'),
  (2, 'DR-200', 'Hammer drill', 4, 199.00, TRUE, '{"color": "red", "tags": ["power"], "dims": {"w": 25, "h": 30}}', 3.4, '2023-03-15 10:30:00'),
  (3, 'PA-A4', 'Paper A4 80 g', 5, 4.99, TRUE, '{"color": "white", "sheets": 500}', 2.5, '2024-01-10 08:15:00'),
  (4, 'PA-A3', 'Paper A3 120 g', 5, 11.50, FALSE, NULL, 4.1, '2024-05-20 16:45:00'),
  (5, 'OF-PEN', 'Ballpoint pen', 3, 0.89, TRUE, '{"color": "black"}', 0.01, '2024-06-01 12:00:00');

INSERT INTO customers (id, name, email, phone, country_code, parent_id, credit_limit, attributes, note, created_at, updated_at) VALUES
  (1, 'Nordwind GmbH', 'buero@nordwind.example', '+49 30 1000', 'DE', NULL, 10000.00, '{"tier": "gold", "tags": ["b2b", "net30"], "address": {"city": "Berlin", "zip": "10115"}}', 'pays late, but always pays', '2022-01-15 08:00:00', '2024-03-01 10:00:00'),
  (2, 'Zażółć Sp. z o.o.', 'kontakt@zazolc.example', '+48 22 2000', 'PL', 1, 5000.00, '{"tier": "silver", "tags": ["b2b"], "address": {"city": "Łódź", "zip": "90-001"}}', 'delivery only in the morning', '2022-06-30 23:59:59', NULL),
  (3, 'O''Hara & Sons', 'ohara@sons.example', NULL, 'IE', NULL, NULL, NULL, NULL, '2023-11-05 14:20:00', NULL),
  (4, '東京商店', NULL, '+81 3 4000', 'JP', 1, 750.50, '{"tier": "bronze", "tags": []}', 'invoice in English please', '2024-02-29 03:04:05', '2024-12-31 23:59:59'),
  (5, 'Café Crème SARL', 'bonjour@creme.example', '', 'FR', 3, 0.00, '{"tier": null}', '', '2025-01-01 00:00:00', NULL);

INSERT INTO departments (id, name, budget) VALUES (10, 'Sales', 250000.00), (20, 'Warehouse', 90000.00), (30, 'IT', NULL);

INSERT INTO employees (id, manager_id, department_id, name, email, hired_on) VALUES
  (1, NULL, 10, 'Ada Brandt', 'ada@company.example', '2015-04-01'),
  (2, 1, 10, 'Bo Chen', 'bo@company.example', '2018-09-15'),
  (3, 1, 20, 'Cleo Diaz', 'cleo@company.example', '2020-01-02'),
  (4, 3, 20, 'Dan Eriksen', NULL, '2022-07-11'),
  (5, 2, 30, 'Eve Fischer', 'eve@company.example', '2024-02-29');

INSERT INTO salaries (employee_id, amount, valid_from, valid_to) VALUES
  (1, 7200.00, '2015-04-01', '2019-12-31'), (1, 8400.00, '2020-01-01', NULL), (2, 5100.00, '2018-09-15', NULL),
  (3, 4700.00, '2020-01-02', NULL), (4, 3600.00, '2022-07-11', NULL), (5, 6100.00, '2024-02-29', NULL);

INSERT INTO orders (id, customer_id, employee_id, status, currency, total, ordered_at, shipped_at, comment) VALUES
  (1, 1, 1, 'shipped', 'EUR', 524.70, '2023-03-05 10:15:00', '2023-03-07 08:00:00', NULL),
  (2, 1, 2, 'shipped', 'EUR', 89.82, '2023-12-24 18:30:00', '2023-12-27 09:10:00', 'please delete the old address; update later'),
  (3, 2, 2, 'paid', 'PLN', 1990.00, '2024-02-29 12:00:00', NULL, 'urgent'),
  (4, 3, NULL, 'cancelled', 'EUR', 11.50, '2024-07-01 00:00:00', NULL, 'customer -- changed /* his */ mind'),
  (5, 4, 1, 'new', 'JPY', 25800.00, '2025-01-31 23:59:59', NULL, ''),
  (6, 1, 2, 'new', 'EUR', 249.50, '2025-02-01 07:45:00', NULL, NULL);

INSERT INTO order_lines (order_id, line_no, product_id, quantity, unit_price, discount) VALUES
  (1, 1, 1, 3.000, 129.90, 0.00), (1, 2, 3, 27.000, 4.99, NULL), (2, 1, 3, 18.000, 4.99, 0.00),
  (3, 1, 2, 10.000, 199.00, 5.00), (4, 1, 4, 1.000, 11.50, NULL), (5, 1, 1, 2.000, 12900.00, 0.00),
  (6, 1, 3, 50.000, 4.99, 10.00), (6, 2, 5, 100.000, 0.89, NULL);

INSERT INTO events (id, customer_id, kind, happened_at, payload) VALUES
  (1, 1, 'login', '2024-01-01 08:00:00.000001', '{"ip": "10.0.0.1", "ok": true}'),
  (2, 1, 'order', '2024-01-01 08:05:30.500000', '{"order_id": 3, "items": [{"sku": "DR-200", "qty": 10}]}'),
  (3, 2, 'login', '2024-01-02 09:00:00.000000', '{"ip": "10.0.0.2", "ok": false}'),
  (4, 2, 'login', '2024-01-02 09:00:05.250000', '{"ip": "10.0.0.2", "ok": true}'),
  (5, NULL, 'import', '2024-02-01 00:00:00.000000', NULL),
  (6, 4, 'logout', '2025-01-31 23:59:59.999999', '{}');

INSERT INTO stock (product_id, warehouse, quantity, counted_at) VALUES
  (1, 'BER', 14, '2024-12-31 18:00:00'), (1, 'WAW', 3, '2024-12-30 12:00:00'), (2, 'BER', 0, '2024-12-31 18:05:00'),
  (3, 'BER', 2400, NULL), (3, 'WAW', 800, '2024-12-30 12:10:00'), (5, 'BER', 5000, NULL);

INSERT INTO `order` (id, `update`, `select`, `group`, `replace`, `delete`) VALUES (1, 'weekly', 7, 'A', 'x', 0), (2, 'daily', 1, 'B', NULL, 1), (3, NULL, NULL, 'A', 'y', 0);

INSERT INTO `Sales Report` (`Net Amount`, `Year`) VALUES (614.52, 2023), (2001.50, 2024), (26049.50, 2025);

INSERT INTO archive.orders_2019 (id, customer_id, status, total, ordered_at) VALUES (901, 1, 'shipped', 77.00, '2019-05-05 05:05:05'), (902, 2, 'shipped', 12.34, '2019-12-31 23:00:00');

INSERT INTO invoices (order_id, issued_on) VALUES (1, '2023-03-08'), (2, '2023-12-28');
