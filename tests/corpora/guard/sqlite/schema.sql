-- Tables of the guard corpus, SQLite 3.40. Load into an empty file: sqlite3 corpus.db < schema.sql
PRAGMA foreign_keys = OFF;

CREATE TABLE categories (
  id INTEGER PRIMARY KEY,
  parent_id INTEGER REFERENCES categories (id),
  name VARCHAR(80) NOT NULL
);

CREATE TABLE customers (
  id INTEGER PRIMARY KEY,
  name VARCHAR(120) NOT NULL,
  email VARCHAR(200),
  phone VARCHAR(40),
  country_code CHAR(2) COLLATE NOCASE,
  parent_id INTEGER REFERENCES customers (id),
  credit_limit DECIMAL(12,2) DEFAULT 0,
  attributes JSON,
  note TEXT,
  created_at DATETIME NOT NULL,
  updated_at DATETIME
);
CREATE INDEX idx_customers_country ON customers (country_code);
CREATE INDEX idx_customers_email ON customers (email);

CREATE TABLE products (
  id INTEGER PRIMARY KEY,
  sku VARCHAR(32) NOT NULL UNIQUE,
  name VARCHAR(120) NOT NULL,
  category_id INTEGER REFERENCES categories (id),
  price DECIMAL(12,2) NOT NULL,
  active BOOLEAN NOT NULL DEFAULT 1,
  attributes JSON,
  weight REAL,
  created_at DATETIME NOT NULL
);
CREATE INDEX idx_products_category ON products (category_id);

CREATE TABLE departments (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  budget REAL
) STRICT;

CREATE TABLE employees (
  id INTEGER PRIMARY KEY,
  manager_id INTEGER REFERENCES employees (id),
  department_id INTEGER REFERENCES departments (id),
  name VARCHAR(120) NOT NULL,
  email VARCHAR(200),
  hired_on DATE
);

CREATE TABLE salaries (
  employee_id INTEGER NOT NULL REFERENCES employees (id),
  amount DECIMAL(12,2) NOT NULL,
  valid_from DATE NOT NULL,
  valid_to DATE,
  PRIMARY KEY (employee_id, valid_from)
);

CREATE TABLE orders (
  id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  employee_id INTEGER REFERENCES employees (id),
  status VARCHAR(20) NOT NULL CHECK (status IN ('open', 'paid', 'shipped', 'cancelled')),
  currency CHAR(3) NOT NULL DEFAULT 'EUR',
  total DECIMAL(12,2) NOT NULL,
  ordered_at DATETIME NOT NULL,
  shipped_at DATETIME,
  comment TEXT
);
CREATE INDEX idx_orders_customer ON orders (customer_id, ordered_at);
CREATE INDEX idx_orders_status ON orders (status) WHERE status <> 'cancelled';

CREATE TABLE order_lines (
  order_id INTEGER NOT NULL REFERENCES orders (id),
  line_no INTEGER NOT NULL,
  product_id INTEGER NOT NULL REFERENCES products (id),
  quantity DECIMAL(10,3) NOT NULL,
  unit_price DECIMAL(12,2) NOT NULL,
  discount DECIMAL(5,2) NOT NULL DEFAULT 0,
  PRIMARY KEY (order_id, line_no)
);
CREATE INDEX idx_lines_product ON order_lines (product_id);

CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  customer_id INTEGER REFERENCES customers (id),
  kind VARCHAR(40) NOT NULL,
  happened_at DATETIME NOT NULL,
  payload JSON
);

CREATE TABLE stock (
  product_id INTEGER NOT NULL REFERENCES products (id),
  warehouse VARCHAR(10) NOT NULL,
  quantity DECIMAL(12,3) NOT NULL,
  counted_at DATETIME,
  PRIMARY KEY (product_id, warehouse)
) WITHOUT ROWID;

CREATE TABLE "order" (
  id INTEGER PRIMARY KEY,
  "update" TEXT,
  "select" TEXT,
  "group" TEXT,
  replace TEXT,
  "delete" INTEGER
);

CREATE TABLE "Sales Report" (
  "Net Amount" DECIMAL(14,2),
  "Year" INTEGER
);

-- The dot belongs to the name: there is no second database here.
CREATE TABLE "archive.orders_2019" (
  id INTEGER PRIMARY KEY,
  customer_id INTEGER,
  total DECIMAL(12,2),
  ordered_at DATETIME
);

CREATE VIRTUAL TABLE product_search USING fts5 (sku UNINDEXED, title, body);
CREATE VIRTUAL TABLE note_search USING fts4 (subject, body);
CREATE VIRTUAL TABLE warehouse_area USING rtree (id, min_x, max_x, min_y, max_y);

CREATE VIEW customer_totals AS
SELECT c.id AS customer_id, c.name, c.country_code, count(o.id) AS order_count,
       coalesce(sum(o.total), 0) AS revenue, max(o.ordered_at) AS last_order_at
FROM customers AS c LEFT JOIN orders AS o ON o.customer_id = c.id
GROUP BY c.id, c.name, c.country_code;

CREATE VIEW staff_pay AS
SELECT e.id AS employee_id, e.name, e.department_id, s.amount, s.valid_from
FROM employees AS e JOIN salaries AS s ON s.employee_id = e.id AND s.valid_to IS NULL;

-- SQLite keeps the owner's code in triggers: this one writes.
CREATE TRIGGER orders_touch AFTER UPDATE OF status ON orders
BEGIN
  UPDATE customers SET updated_at = datetime('now') WHERE id = NEW.customer_id;
END;

INSERT INTO categories VALUES (1, NULL, 'All'), (2, 1, 'Tools'), (3, 1, 'Food'), (4, 2, 'Hand tools');
INSERT INTO customers VALUES
  (1, 'Ada Works GmbH', 'ada@works.example', '+49 30 1234', 'DE', NULL, 5000, '{"tier":"gold","tags":["vip","eu"],"address":{"city":"Berlin","zip":"10115"}}', 'Pays late; call first', '2021-02-03 08:15:00', '2024-01-15 10:00:00'),
  (2, 'Bolt & Sons', 'info@bolt.example', '+44 20 555', 'GB', 1, 1200.50, '{"tier":"silver","tags":["uk"],"address":{"city":"Leeds"}}', NULL, '2021-07-19 12:00:00', NULL),
  (3, 'Żółw Sp. z o.o.', 'biuro@zolw.example', NULL, 'PL', NULL, 0, '{"tier":null,"tags":[]}', 'it''s 50% -- discount', '2022-11-30 23:59:59', '2023-05-05 05:05:05'),
  (4, 'Chai Traders', NULL, '022-4455', 'IN', 1, 80000, NULL, '', '2023-04-01 00:00:00', NULL);
INSERT INTO products VALUES
  (1, 'H-001', 'Hammer', 4, 19.90, 1, '{"colour":"red","sizes":[1,2,3]}', 0.75, '2020-01-01 00:00:00'),
  (2, 'S-010', 'Screwdriver', 4, 7.50, 1, '{"colour":"blue","sizes":[]}', 0.12, '2020-01-01 00:00:00'),
  (3, 'T-100', 'Tea, 1 kg', 3, 12.00, 1, NULL, 1.05, '2021-05-05 00:00:00'),
  (4, 'X-999', 'Old saw', 2, 30.00, 0, '{"colour":"grey"}', 2.5, '2015-09-09 00:00:00');
INSERT INTO departments VALUES (1, 'Sales', 100000.0), (2, 'Logistics', 55000.0), (3, 'IT', NULL);
INSERT INTO employees VALUES
  (1, NULL, 1, 'Grace', 'grace@corp.example', '2015-01-01'), (2, 1, 1, 'Linus', 'linus@corp.example', '2018-03-15'),
  (3, 1, 2, 'Olga', 'olga@corp.example', '2019-10-01'), (4, 3, 2, 'Raj', NULL, '2022-06-30');
INSERT INTO salaries VALUES (1, 9000, '2020-01-01', NULL), (2, 5000, '2018-03-15', '2021-12-31'), (2, 5600, '2022-01-01', NULL), (3, 4800, '2019-10-01', NULL);
INSERT INTO orders VALUES
  (1, 1, 2, 'paid', 'EUR', 119.30, '2023-01-10 09:00:00', '2023-01-12 10:00:00', NULL),
  (2, 1, 2, 'open', 'EUR', 24.00, '2024-02-28 16:45:00', NULL, 'rush; do not drop'),
  (3, 2, 1, 'shipped', 'GBP', 75.00, '2024-03-01 11:11:11', '2024-03-02 08:00:00', '/* fragile */'),
  (4, 3, NULL, 'cancelled', 'PLN', 0, '2024-03-05 00:00:00', NULL, NULL),
  (5, 4, 2, 'paid', 'INR', 1500.00, '2024-04-20 18:30:00', '2024-04-25 12:00:00', 'DELETE me later');
INSERT INTO order_lines VALUES
  (1, 1, 1, 5, 19.90, 0), (1, 2, 2, 3, 7.50, 10), (2, 1, 3, 2, 12.00, 0), (3, 1, 2, 10, 7.50, 0),
  (5, 1, 3, 100, 11.00, 5), (5, 2, 1, 20, 19.00, 2.5);
INSERT INTO events (customer_id, kind, happened_at, payload) VALUES
  (1, 'login', '2024-03-01 07:00:00', '{"ip":"10.0.0.1","ok":true}'), (1, 'view', '2024-03-01 07:02:00', '{"pages":["/a","/b"],"ms":250}'),
  (1, 'login', '2024-03-02 09:00:00', '{"ip":"10.0.0.2","ok":false}'), (2, 'login', '2024-03-02 09:30:00', NULL),
  (3, 'update', '2024-03-03 10:00:00', '{"fields":{"note":1}}');
INSERT INTO stock VALUES (1, 'BER', 40, '2024-03-31 23:00:00'), (1, 'LON', 5, '2024-03-31 23:00:00'), (2, 'BER', 0, NULL), (3, 'BER', 250.5, '2024-04-30 23:00:00');
INSERT INTO "order" VALUES (1, 'u', 's', 'g1', 'r', 0), (2, 'x', 'y', 'g1', 'z', 1);
INSERT INTO "Sales Report" VALUES (1000.5, 2022), (2500, 2023), (1800.25, 2024);
INSERT INTO "archive.orders_2019" VALUES (1, 1, 55.5, '2019-05-05 10:00:00'), (2, 2, 12, '2019-12-31 23:00:00');
INSERT INTO product_search VALUES ('H-001', 'Hammer', 'Steel hammer with a wooden handle'), ('S-010', 'Screwdriver', 'Cross head, blue handle'), ('T-100', 'Tea', 'Black tea from Assam');
INSERT INTO note_search VALUES ('Late payment', 'The customer pays late, call first'), ('Delivery', 'Deliver to the back door');
INSERT INTO warehouse_area VALUES (1, 0, 10, 0, 10), (2, 20, 30, 5, 15);
ANALYZE;
