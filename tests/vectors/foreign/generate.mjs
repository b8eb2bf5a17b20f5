// Makes 47ng-cloak.json with the original software, and the files of the formats that applications
// write by hand with the crypto module of Node.
//
//     npm install @47ng/cloak
//     node generate.mjs
//
// Nonces are random, so each run makes other values. Add a file rather than changing one.

import { createCipheriv, createHash, pbkdf2Sync, randomBytes, scryptSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const cloak = require('@47ng/cloak')
const cloakVersion = JSON.parse(readFileSync(require.resolve('@47ng/cloak/package.json'))).version

const TEXTS = {
  'a token': 'CANARY-xoxb-2417093341',
  'the empty text': '',
  'outside of ASCII': 'CANARY-größe-鍵-🔑',
  'one block': 'CANARY-89abcdefg',
  'a long text': 'CANARY-'.repeat(150)
}

// 32 bytes, by which the scan of the test output finds them.
const key = n =>
  Buffer.concat([
    Buffer.from('CANARY-'),
    createHash('sha256').update(`foreign ${n}`).digest().subarray(0, 25)
  ])

function vector(name, settings, stored, plaintext) {
  stored = Buffer.isBuffer(stored) ? { hex: stored.toString('hex') } : { text: stored }
  return { name, expect: 'open', settings, stored, plaintext: { text: plaintext } }
}

function write(format, about, original, madeBy, vectors) {
  const document = { about, format, original, made_by: madeBy, vectors }
  const path = new URL(`${format}.json`, import.meta.url)
  writeFileSync(path, JSON.stringify(document, null, 2) + '\n')
}

// The parts of AES-256-GCM.
function seal(key, ivLength, text, associatedData) {
  const iv = randomBytes(ivLength)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  if (associatedData) cipher.setAAD(Buffer.from(associatedData))
  const ciphertext = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return { iv, ciphertext, tag: cipher.getAuthTag() }
}

const each = make => Object.entries(TEXTS).map(([name, text]) => make(name, text))

function cloak47ng() {
  // As `cloak.generateKey()` spells a random one.
  const keys = [1, 2].map(n => `k1.aesgcm256.${key(n).toString('base64url')}=`)
  const settings = { key: keys[0], 'key.2': keys[1] }
  const vectors = each((name, text) =>
    vector(name, settings, cloak.encryptStringSync(text, keys[0]), text)
  )
  const second = cloak.encryptStringSync('CANARY-second', keys[1])
  vectors.push(vector('the second key', settings, second, 'CANARY-second'))
  write('47ng-cloak', 'Strings of @47ng/cloak', true, `@47ng/cloak ${cloakVersion}`, vectors)
}

const BY_HAND = `the crypto module of Node ${process.version}, as applications call it; the format has no original`

function aesGcm() {
  const settings = { key: key(1).toString('hex') }
  const join = ({ iv, ciphertext, tag }) => Buffer.concat([iv, ciphertext, tag])
  const vectors = each((name, text) =>
    vector(name, settings, join(seal(key(1), 12, text)).toString('base64'), text)
  )
  for (const encoding of ['hex', 'binary']) {
    const stored = join(seal(key(1), 12, `CANARY-${encoding}`))
    vectors.push(
      vector(
        encoding,
        { key: key(1).toString('base64'), encoding },
        encoding === 'hex' ? stored.toString('hex') : stored,
        `CANARY-${encoding}`
      )
    )
  }
  const bound = join(seal(key(2), 12, 'CANARY-bound', 'users.email')).toString('base64')
  vectors.push(
    vector(
      'associated data, the second key',
      { key: key(1).toString('hex'), 'key.2': key(2).toString('hex'), associated_data: 'users.email' },
      bound,
      'CANARY-bound'
    )
  )
  write('aes-256-gcm', 'nonce, ciphertext and tag', false, BY_HAND, vectors)
}

function scrypt() {
  const stored = (passphrase, text, options) => {
    const salt = randomBytes(32)
    const { iv, ciphertext, tag } = seal(scryptSync(passphrase, salt, 32, options), 16, text)
    return Buffer.concat([salt, iv, tag, ciphertext]).toString('base64')
  }
  const passphrase = 'CANARY-otter wagon plinth 71'
  const small = { passphrase, n: '16', r: '1', p: '1' }
  const vectors = each((name, text) =>
    vector(`${name}, little work`, small, stored(passphrase, text, { N: 16, r: 1, p: 1 }), text)
  )
  vectors.push(
    vector("Node's parameters", { passphrase }, stored(passphrase, 'CANARY-node'), 'CANARY-node'),
    vector(
      'a passphrase of bytes',
      { passphrase: key(1).toString('hex'), passphrase_encoding: 'hex' },
      stored(key(1), 'CANARY-bytes'),
      'CANARY-bytes'
    )
  )
  write('scrypt-aes-256-gcm', 'salt, IV, tag and ciphertext', false, BY_HAND, vectors)
}

function pbkdf2() {
  const stored = (passphrase, salt, rounds, keyVersion, text, encoding) => {
    const { iv, ciphertext, tag } = seal(pbkdf2Sync(passphrase, salt, rounds, 32, 'sha512'), 16, text)
    const member = bytes => bytes.toString(encoding)
    return JSON.stringify({
      iv: member(iv),
      ciphertext: member(ciphertext),
      authTag: member(tag),
      keyVersion
    })
  }
  const settings = {
    'passphrase.1': 'CANARY-otter wagon plinth 71',
    'passphrase.2': 'CANARY-osprey',
    'salt.1': 'a fixed salt',
    'salt.2': 'another salt'
  }
  const vectors = each((name, text) =>
    vector(
      name,
      settings,
      stored(settings['passphrase.1'], settings['salt.1'], 100000, 1, text, 'base64'),
      text
    )
  )
  vectors.push(
    vector(
      'the second version',
      settings,
      stored(settings['passphrase.2'], settings['salt.2'], 100000, 2, 'CANARY-second', 'base64'),
      'CANARY-second'
    ),
    vector(
      'hexadecimal, a version that is a string, few rounds, a passphrase and a salt of bytes',
      {
        'passphrase.v1': key(1).toString('base64'),
        passphrase_encoding: 'base64',
        salt: key(2).toString('base64'),
        salt_encoding: 'base64',
        rounds: '1000',
        encoding: 'hex'
      },
      stored(key(1), key(2), 1000, 'v1', 'CANARY-hex', 'hex'),
      'CANARY-hex'
    )
  )
  write('pbkdf2-aes-256-gcm', 'JSON with iv, ciphertext, authTag and keyVersion', false, BY_HAND, vectors)
}

function json() {
  const stored = (key, version, text, encoding) => {
    const { iv, ciphertext, tag } = seal(key, 12, text)
    return JSON.stringify({
      version,
      nonce: iv.toString(encoding),
      ciphertext: Buffer.concat([ciphertext, tag]).toString(encoding)
    })
  }
  const settings = { 'key.1': key(1).toString('base64'), 'key.2': key(2).toString('hex') }
  const vectors = each((name, text) =>
    vector(name, settings, stored(key(1), 1, text, 'base64'), text)
  )
  vectors.push(
    vector('the second version', settings, stored(key(2), '2', 'CANARY-second', 'base64'), 'CANARY-second'),
    vector(
      'hexadecimal',
      { ...settings, encoding: 'hex' },
      stored(key(1), 1, 'CANARY-hex', 'hex'),
      'CANARY-hex'
    )
  )
  write('json-aes-256-gcm', 'JSON with version, nonce and ciphertext', false, BY_HAND, vectors)
}

cloak47ng()
aesGcm()
scrypt()
pbkdf2()
json()
