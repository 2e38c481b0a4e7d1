// client.js CALLS: the same as client.py, with node-postgres, which sends every parameter as text without a type.
const fs = require('fs');
const { Client } = require('pg');

function value(text, of) {
  if (text === '\\N') return null;
  if (of.endsWith('[]')) return text.slice(1, -1).split(',').filter(Boolean).map(element => value(element, of.slice(0, -2)));
  // Beyond 2^53 a number would not be exact.
  return /int|float8/.test(of) ? Number(text) : text;
}

async function main() {
  const client = new Client();
  await client.connect();
  for (const line of fs.readFileSync(process.argv[2], 'utf8').trimEnd().split('\n')) {
    const [name, statement, ...texts] = line.split('\t');
    const parameters = [...statement.matchAll(/\{([^}]*)\}/g)].map((mark, n) => value(texts[n], mark[1]));
    let n = 0;
    try {
      const { rows } = await client.query({ text: statement.replace(/\{[^}]*\}/g, () => '$' + ++n), values: parameters, rowMode: 'array' });
      const values = rows.map(row => row[0]);
      console.log([name, values.join(','), values.length ? typeof values[0] : ''].join('\t'));
    } catch (error) {
      console.log([name, 'ERROR: ' + error.message, ''].join('\t'));
    }
  }
  await client.end();
}

main();
