"""The table that is moved: 12 columns, about 160 bytes a row as CSV, the same content in PostgreSQL and MariaDB; and the
servers it stands in. Times have milliseconds, because more would not survive JavaScript's Date."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))
import harness  # noqa: E402

COLUMNS = ("id bigint PRIMARY KEY, order_no text NOT NULL, customer_id bigint NOT NULL, product text NOT NULL, quantity integer NOT NULL, "
           "unit_price numeric(12,2) NOT NULL, discount numeric(8,2), {extra}, status text NOT NULL, region text NOT NULL, "
           "created_at timestamptz NOT NULL, updated_at timestamp NOT NULL")
FILL = """INSERT INTO sales SELECT n, 'SO-' || lpad(n::text, 9, '0'), 9007199254740993 + n % 50021,
  (ARRAY['Schraube M8 verzinkt','Käse, jung','東京 set','Cable 3×1.5 mm²','Plain box'])[1 + n % 5] || ' ' || n % 997,
  1 + n % 12, (n * 37 % 999983)::numeric / 100 + 1, CASE WHEN n % 4 = 0 THEN NULL ELSE (n % 100)::numeric / 100 END,
  CASE WHEN n % 3 = 0 THEN NULL ELSE 'note ' || n END, (ARRAY['open','paid','shipped','closed'])[1 + n % 4],
  (ARRAY['north','south','east','west'])[1 + n % 4], timestamptz '2024-01-01 00:00:00.001+00' + n * interval '1 second 1 millisecond',
  timestamp '2024-01-01 00:00:00.5' + n * interval '2 seconds' FROM generate_series(1, {rows}) AS n"""
MARIADB_COLUMNS = ("id bigint PRIMARY KEY, order_no varchar(40) NOT NULL, customer_id bigint NOT NULL, product varchar(100) NOT NULL, "
                   "quantity int NOT NULL, unit_price decimal(12,2) NOT NULL, discount decimal(8,2), note varchar(200), "
                   "status varchar(20) NOT NULL, region varchar(20) NOT NULL, "
                   "created_at timestamp(3) NOT NULL DEFAULT '2000-01-01 00:00:00', updated_at datetime(3) NOT NULL")
MARIADB_FILL = """SET time_zone = '+00:00'; INSERT INTO sales SELECT seq, CONCAT('SO-', LPAD(seq, 9, '0')), 9007199254740993 + seq % 50021,
  CONCAT(ELT(1 + seq % 5, 'Schraube M8 verzinkt', 'Käse, jung', '東京 set', 'Cable 3×1.5 mm²', 'Plain box'), ' ', seq % 997),
  1 + seq % 12, (seq * 37 % 999983) / 100 + 1, IF(seq % 4 = 0, NULL, (seq % 100) / 100),
  IF(seq % 3 = 0, NULL, CONCAT('note ', seq)), ELT(1 + seq % 4, 'open', 'paid', 'shipped', 'closed'),
  ELT(1 + seq % 4, 'north', 'south', 'east', 'west'), TIMESTAMP'2024-01-01 00:00:00.001' + INTERVAL seq * 1001000 MICROSECOND,
  TIMESTAMP'2024-01-01 00:00:00.500' + INTERVAL 2 * seq SECOND FROM seq_1_to_{rows}"""
POSTGRES_OPTIONS = ("shared_buffers=2GB", "max_wal_size=8GB", "fsync=on", "checkpoint_timeout=1h")
MARIADB_OPTIONS = ("innodb-buffer-pool-size=2G", "innodb-log-file-size=2G", "innodb-flush-log-at-trx-commit=1")
