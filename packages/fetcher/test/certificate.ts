// Owns certificates for tests over TLS: made afresh, valid for a day, for names of the test's choice. Needs no program besides Node.

import { createSign, generateKeyPairSync } from 'node:crypto'

const der = (tag: number, ...parts: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, ...parts)
const objectId = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'))
const integer = (value: number): Buffer => der(0x02, Buffer.from([value]))
const octets = (content: Buffer): Buffer => der(0x04, content)

const utcTime = (seconds: number): Buffer =>
  der(0x17, Buffer.from(`${new Date(seconds * 1000).toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`))

const ECDSA_WITH_SHA256 = sequence(objectId('2a8648ce3d040302'))
const COMMON_NAME = objectId('550403')
const BASIC_CONSTRAINTS = objectId('551d13')
const ALTERNATIVE_NAMES = objectId('551d11')
const TRUE = Buffer.from([0x01, 0x01, 0xff])
const DAY = 86_400

const NAME = sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from('test')))))

const extensions = (names: readonly string[]): Buffer =>
  sequence(
    // Its own authority: a program that is given it to trust needs no other.
    sequence(BASIC_CONSTRAINTS, TRUE, octets(sequence(TRUE))),
    sequence(ALTERNATIVE_NAMES, octets(sequence(...names.map((name) => der(0x82, Buffer.from(name)))))),
  )

const asPem = (label: string, content: Buffer): string =>
  `-----BEGIN ${label}-----\n${content.toString('base64').replace(/.{64}/g, '$&\n').trim()}\n-----END ${label}-----\n`

/** A certificate for names, signed by its own key (RFC 5280 §4.1), and the key; both PEM. */
export const makeCertificate = (...names: readonly string[]): { readonly cert: string; readonly key: string } => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const now = Math.floor(Date.now() / 1000)
  const body = sequence(
    der(0xa0, integer(2)),
    integer(1),
    ECDSA_WITH_SHA256,
    NAME,
    sequence(utcTime(now - 60), utcTime(now + DAY)),
    NAME,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions(names)),
  )
  const signature = createSign('sha256').update(body).sign(privateKey)
  const cert = sequence(body, ECDSA_WITH_SHA256, der(0x03, Buffer.from([0]), signature))
  return { cert: asPem('CERTIFICATE', cert), key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}
