// Verifies draw files (xinshi-draw-1 and xinshi-draw-2) from their published description.
// Usage: node draw_verifier.mjs FILE...
// Exit code: 0 all true, 1 at least one not true, 2 at least one not readable as JSON.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import process from 'node:process';

class Unreadable extends Error {}
class Untrue extends Error {}

// A reader of JSON that keeps what JSON.parse loses: 1 and 1.0 are different, whole numbers are
// exact (BigInt), other numbers stay NotWhole, and a field given twice is noticed.
class NotWhole {}

function parseJson(text) {
  let pos = 0;
  let twice = null;
  const fail = (what) => { throw new Unreadable(`not JSON: ${what} at character ${pos}`); };
  const space = () => { while (pos < text.length && ' \t\n\r'.includes(text[pos])) pos++; };
  const number = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
  const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;

  function readString() {
    // JSON.parse decodes the token, the pattern only finds its end
    string.lastIndex = pos;
    let found;
    try { found = string.exec(text); } catch { fail('a string too long'); }
    if (found === null) fail('a bad string');
    pos = string.lastIndex;
    return JSON.parse(found[0]);
  }

  function value(depth) {
    if (depth > 64) fail('too deeply nested');
    space();
    const c = text[pos];
    if (c === '{') {
      pos++;
      const map = new Map();
      space();
      if (text[pos] === '}') { pos++; return map; }
      for (;;) {
        space();
        if (text[pos] !== '"') fail('a field name is missing');
        const name = readString();
        space();
        if (text[pos] !== ':') fail('a colon is missing');
        pos++;
        const v = value(depth + 1);
        if (map.has(name) && twice === null) twice = name;
        map.set(name, v);
        space();
        if (text[pos] === ',') { pos++; continue; }
        if (text[pos] === '}') { pos++; return map; }
        fail('a comma or brace is missing');
      }
    }
    if (c === '[') {
      pos++;
      const list = [];
      space();
      if (text[pos] === ']') { pos++; return list; }
      for (;;) {
        list.push(value(depth + 1));
        space();
        if (text[pos] === ',') { pos++; continue; }
        if (text[pos] === ']') { pos++; return list; }
        fail('a comma or bracket is missing');
      }
    }
    if (c === '"') return readString();
    for (const [word, v] of [['null', null], ['true', true], ['false', false]]) {
      if (text.startsWith(word, pos)) { pos += word.length; return v; }
    }
    number.lastIndex = pos;
    const found = number.exec(text);
    if (found === null) fail('an unexpected character');
    pos = number.lastIndex;
    const whole = found[1] === undefined && found[2] === undefined && found[0] !== '-0';
    return whole ? BigInt(found[0]) : new NotWhole();
  }

  const result = value(0);
  space();
  if (pos !== text.length) fail('more after the value');
  return { result, twice };
}

const sha256 = (...parts) => {
  const h = createHash('sha256');
  for (const p of parts) h.update(p);
  return h.digest('hex');
};
const utf8 = (s) => Buffer.from(s, 'utf8');
const digestOfLines = (lines) => sha256(utf8(lines.join('\n')));

const need = (ok, why) => { if (!ok) throw new Untrue(why); };
const HEX64 = /^[0-9a-f]{64}$/;
const NAME = /^[A-Za-z0-9._-]+$/;
const FACTOR = /^[0-9]+\.[0-9]+$/;
const isText = (v) => typeof v === 'string';
const isHex = (v) => isText(v) && HEX64.test(v);
const isName = (v) => isText(v) && NAME.test(v);
const isCount = (v) => typeof v === 'bigint' && v >= 0n;
// One line: no line break of any kind, no control character, no half of a surrogate pair.
const isLine = (v) => isText(v) && v.isWellFormed() && !/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(v);

function fields(value, names, where) {
  need(value instanceof Map, `${where} is not an object`);
  for (const n of names) need(value.has(n), `${where} has no field ${n}`);
  for (const n of value.keys()) need(names.includes(n), `${where} has an unknown field ${JSON.stringify(n)}`);
  return Object.fromEntries(names.map((n) => [n, value.get(n)]));
}

function rising(list, what) {
  for (let i = 1; i < list.length; i++) {
    need(list[i - 1] !== list[i], `${what} holds an item twice`);
    need(list[i - 1] < list[i], `${what} is not sorted`);
  }
}

// The drawn order: names[i] holds lots[i] tickets; `limit` picks at most.
function draw(key, names, lots, limit = Infinity) {
  const pool = names.map((name, i) => ({ name, lots: lots[i] })).filter((e) => e.lots > 0n);
  const keyBytes = utf8(key);
  let left = pool.reduce((sum, e) => sum + e.lots, 0n);
  const picks = [];
  for (let i = 0; pool.length > 0 && i < limit; i++) {
    need(i <= 0xffff, 'more rounds than two bytes can count');
    const m = Buffer.from([i >> 8, i & 0xff]);
    const digest = sha256(m, keyBytes, m);
    const index = BigInt(`0x${digest}`) % left;
    let at = 0;
    for (let passed = pool[0].lots; passed <= index; passed += pool[at].lots) at++;
    const [taken] = pool.splice(at, 1);
    picks.push({ digest, left, index, candidate: taken.name });
    left -= taken.lots;
  }
  return picks;
}

function samePick(given, expected, where) {
  const p = fields(given, ['digest', 'left', 'index', 'candidate'], where);
  for (const n of ['digest', 'left', 'index', 'candidate']) {
    need(p[n] === expected[n], `${where}: ${n} should be ${expected[n]}`);
  }
}

const FIELDS_1 = ['format', 'hash', 'notice', 'secret', 'commitment', 'envelopes_sha256', 'candidates',
  'candidates_sha256', 'key', 'picks'];
const FIELDS_2 = ['format', 'hash', 'notice', 'secret', 'commitment', 'envelopes', 'envelopes_sha256',
  'contributions_sha256', 'candidates', 'candidates_sha256', 'lots', 'lots_sha256', 'checkpoint', 'outside',
  'outside_sha256', 'factors', 'key', 'factor', 'picks'];

function verify(root) {
  need(root instanceof Map, 'the file is not an object');
  const format = root.get('format');
  need(format === 'xinshi-draw-1' || format === 'xinshi-draw-2', 'format is unknown');
  const second = format === 'xinshi-draw-2';
  const d = fields(root, second ? FIELDS_2 : FIELDS_1, 'the file');

  need(d.hash === 'sha256', 'hash is not sha256');
  need(isName(d.notice), 'notice has a wrong form');
  for (const n of ['secret', 'commitment', 'envelopes_sha256', 'candidates_sha256']) {
    need(isHex(d[n]), `${n} is not 64 hex digits`);
  }
  need(sha256(Buffer.from(d.secret, 'hex')) === d.commitment, 'commitment does not belong to secret');

  need(Array.isArray(d.candidates) && d.candidates.length > 0, 'candidates is not a list of at least one');
  need(d.candidates.every(isName), 'candidates holds something of a wrong form');
  rising(d.candidates, 'candidates');
  need(digestOfLines(d.candidates) === d.candidates_sha256, 'candidates_sha256 does not fit candidates');

  let lots = d.candidates.map(() => 1n);
  let keyParts = [d.format, d.notice, d.secret, d.envelopes_sha256, d.candidates_sha256];

  if (second) {
    need(Array.isArray(d.envelopes), 'envelopes is not a list');
    const envelopes = d.envelopes.map((e, i) => {
      const f = fields(e, ['digest', 'contribution'], `envelopes[${i}]`);
      need(isHex(f.digest), `envelopes[${i}].digest is not 64 hex digits`);
      need(f.contribution === '' || isHex(f.contribution), `envelopes[${i}].contribution has a wrong form`);
      return f;
    });
    rising(envelopes.map((e) => e.digest), 'envelopes');
    need(digestOfLines(envelopes.map((e) => e.digest)) === d.envelopes_sha256,
      'envelopes_sha256 does not fit envelopes');
    need(digestOfLines(envelopes.map((e) => `${e.digest}:${e.contribution}`)) === d.contributions_sha256,
      'contributions_sha256 does not fit envelopes');

    need(Array.isArray(d.lots) && d.lots.every(isCount), 'lots is not a list of whole numbers from 0 on');
    need(d.lots.length === d.candidates.length, 'lots and candidates differ in length');
    lots = d.lots;
    need(digestOfLines(d.candidates.map((c, i) => `${c}:${lots[i]}`)) === d.lots_sha256,
      'lots_sha256 does not fit candidates and lots');

    const checkpoint = fields(d.checkpoint, ['size', 'root'], 'checkpoint');
    need(isCount(checkpoint.size), 'checkpoint.size is not a whole number from 0 on');
    need(checkpoint.size === 0n ? checkpoint.root === '' : isHex(checkpoint.root),
      'checkpoint.root has a wrong form or does not fit size');

    const outside = fields(d.outside, ['source', 'value'], 'outside');
    need(isLine(outside.source), 'outside.source is not one line');
    need(isLine(outside.value), 'outside.value is not one line');
    need((outside.source === '') === (outside.value === ''), 'outside has a source or a value without the other');
    need(d.outside_sha256 === (outside.source === '' ? '' : digestOfLines([outside.source, outside.value])),
      'outside_sha256 does not fit outside');

    need(Array.isArray(d.factors), 'factors is not a list');
    need(d.factors.every((f) => isText(f) && FACTOR.test(f)), 'factors holds something of a wrong form');
    need(new Set(d.factors).size === d.factors.length, 'factors holds an item twice');

    keyParts = [d.format, d.notice, d.secret, d.envelopes_sha256, d.contributions_sha256, d.candidates_sha256,
      d.lots_sha256, String(checkpoint.size), checkpoint.root, d.outside_sha256, d.factors.join(',')];
  }

  const key = keyParts.join('|');
  need(d.key === key, 'key is not what its parts give');

  if (second) {
    if (d.factors.length === 0) {
      need(d.factor === null, 'factor is not null though there are no factors');
    } else {
      const [expected] = draw(`${key}|factor`, d.factors, d.factors.map(() => 1n), 1);
      samePick(d.factor, expected, 'factor');
    }
  }

  const expected = draw(key, d.candidates, lots);
  need(Array.isArray(d.picks), 'picks is not a list');
  need(d.picks.length === expected.length, `picks should hold ${expected.length}`);
  expected.forEach((e, i) => samePick(d.picks[i], e, `picks[${i}]`));
}

function read(path) {
  let text;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(path));
  } catch (e) {
    throw new Unreadable(e instanceof TypeError ? 'not UTF-8' : `cannot be read (${e.code ?? e.message})`);
  }
  return parseJson(text);
}

const files = process.argv.slice(2);
if (files.length === 0) {
  process.stderr.write('usage: node draw_verifier.mjs FILE...\n');
  process.exitCode = 2;
} else {
  let code = 0;
  for (const file of files) {
    try {
      const { result, twice } = read(file);
      need(twice === null, `field ${JSON.stringify(twice)} is given twice`);
      verify(result);
      process.stdout.write(`true ${file}\n`);
    } catch (e) {
      if (!(e instanceof Unreadable) && !(e instanceof Untrue)) throw e;
      process.stdout.write(`false ${file}: ${e.message}\n`);
      code = Math.max(code, e instanceof Unreadable ? 2 : 1);
    }
  }
  process.exitCode = code;
}
