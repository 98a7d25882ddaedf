// Every row of a table as a line of JSON to /dev/null, as one would write it in Node.
// Usage: node read.js URL ROWS; prints how many rows there were.
'use strict';
const fs = require('fs');
const { Client } = require('pg');
const QueryStream = require('pg-query-stream');
const mysql = require('mysql2');

async function open(url, text) {
  if (url.startsWith('postgres:')) {
    const client = new Client({ connectionString: url });
    await client.connect();
    return { rows: client.query(new QueryStream(text, [], { batchSize: 1000 })), end: () => client.end() };
  }
  const client = mysql.createConnection({ uri: url, supportBigNumbers: true, bigNumberStrings: true });
  return { rows: client.query(text).stream(), end: () => client.promise().end() };
}

async function main(url, limit) {
  const { rows, end } = await open(url, `SELECT * FROM sales LIMIT ${Number(limit)}`);
  const out = fs.createWriteStream('/dev/null');
  let count = 0;
  for await (const row of rows) {
    count += 1;
    if (!out.write(`${JSON.stringify(row)}\n`)) await new Promise((resolve) => out.once('drain', resolve));
  }
  await end();
  console.log(`rows ${count}`);
}

main(process.argv[2], process.argv[3]).catch((error) => {
  console.error(error);
  process.exit(1);
});
