// The pipeline as one would write it in Node: pg-query-stream, a function, batched upserts.
// Usage: node pipeline.js SOURCE_URL DESTINATION_URL
'use strict';
const { Client } = require('pg');
const QueryStream = require('pg-query-stream');

const ROWS_PER_STATEMENT = 500;
const COLUMNS = ['id', 'order_no', 'customer_id', 'product', 'quantity', 'unit_price', 'discount', 'total', 'status',
  'region', 'created_at', 'updated_at'];

// Values as the driver delivers them: bigint and numeric as text, times as Date.
function transform(row) {
  row.total = (Number(row.unit_price) * row.quantity - Number(row.discount ?? 0)).toFixed(2);
  row.status = row.status.toUpperCase();
  return row;
}

function upsert(rows) {
  const updates = COLUMNS.filter((c) => c !== 'id').map((c) => `${c} = EXCLUDED.${c}`).join(', ');
  const marks = [...Array(rows).keys()]
    .map((r) => `(${COLUMNS.map((_, c) => `$${r * COLUMNS.length + c + 1}`).join(', ')})`).join(', ');
  return `INSERT INTO sales (${COLUMNS.join(', ')}) VALUES ${marks} ON CONFLICT (id) DO UPDATE SET ${updates}`;
}

async function main(from, to) {
  const source = new Client({ connectionString: from });
  const destination = new Client({ connectionString: to });
  await Promise.all([source.connect(), destination.connect()]);
  const full = upsert(ROWS_PER_STATEMENT);
  let pending = [];
  const flush = async () => {
    const whole = pending.length === ROWS_PER_STATEMENT;
    const values = pending.flatMap((row) => COLUMNS.map((column) => row[column]));
    await destination.query({
      name: whole ? 'upsert' : undefined, text: whole ? full : upsert(pending.length), values,
    });
    pending = [];
  };
  for await (const row of source.query(new QueryStream('SELECT * FROM sales', [], { batchSize: 1000 }))) {
    pending.push(transform(row));
    if (pending.length === ROWS_PER_STATEMENT) await flush();
  }
  if (pending.length > 0) await flush();
  await Promise.all([source.end(), destination.end()]);
}

main(process.argv[2], process.argv[3]).catch((error) => {
  console.error(error);
  process.exit(1);
});
