// Owns a certificate authority of the tests and one certificate for localhost, made anew each time (X.690 DER, RFC 5280 §4.1). Never used
// by a server that anybody else reaches.

import { createSign, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'

const derLength = (length: number): Buffer => {
  if (length < 0x80) return Buffer.from([length])
  const bytes = length < 0x100 ? [length] : [length >> 8, length & 0xff]
  return Buffer.from([0x80 | bytes.length, ...bytes])
}

const der = (tag: number, ...contents: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(contents)
  return Buffer.concat([Buffer.from([tag]), derLength(content.length), content])
}

const sequence = (...contents: readonly Buffer[]): Buffer => der(0x30, ...contents)
const TRUE = der(0x01, Buffer.from([0xff]))
const octets = (content: Buffer): Buffer => der(0x04, content)
const bits = (content: Buffer): Buffer => der(0x03, Buffer.from([0]), content)

const objectId = (...arcs: readonly number[]): Buffer => {
  const [first = 0, second = 0, ...rest] = arcs
  const septets = (arc: number): number[] =>
    arc < 0x80 ? [arc] : [...septets(arc >> 7).map((part) => part | 0x80), arc & 0x7f]
  return der(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(septets)]))
}

const commonName = (name: string): Buffer =>
  sequence(der(0x31, sequence(objectId(2, 5, 4, 3), der(0x0c, Buffer.from(name)))))

const utcTime = (at: Date): Buffer => der(0x17, Buffer.from(`${at.toISOString().replace(/\D/g, '').slice(2, 14)}Z`))

const SIGNATURE = sequence(objectId(1, 2, 840, 10045, 4, 3, 2))

const extension = (arc: number, critical: boolean, content: Buffer): Buffer =>
  sequence(objectId(2, 5, 29, arc), ...(critical ? [TRUE] : []), octets(content))

const AUTHORITY = [
  extension(19, true, sequence(TRUE)),
  // keyCertSign
  extension(15, true, der(0x03, Buffer.from([2, 0b100]))),
]

const LOCALHOST = [
  extension(17, false, sequence(der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1])))),
  // digitalSignature
  extension(15, true, der(0x03, Buffer.from([7, 0x80]))),
  // serverAuth
  extension(37, false, sequence(objectId(1, 3, 6, 1, 5, 5, 7, 3, 1))),
]

// What the certificate of a client is for: clientAuth
const CLIENT = [extension(37, false, sequence(objectId(1, 3, 6, 1, 5, 5, 7, 3, 2)))]

interface Made {
  readonly subject: string
  readonly publicKey: KeyObject
  readonly issuer: string
  readonly signedBy: KeyObject
  readonly extensions: readonly Buffer[]
}

const DAY = 86_400_000

const certificate = ({ subject, publicKey, issuer, signedBy, extensions }: Made): string => {
  const serial = randomBytes(12)
  serial.writeUInt8(0x40 | (serial.readUInt8() & 0x3f))
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    SIGNATURE,
    commonName(issuer),
    sequence(utcTime(new Date(Date.now() - DAY)), utcTime(new Date(Date.now() + DAY))),
    commonName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  )
  const signature = createSign('sha256').update(body).sign(signedBy)
  const text = sequence(body, SIGNATURE, bits(signature)).toString('base64').replace(/.{64}/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`
}

/** An authority's certificate, and a server's with its key, all PEM. */
export interface TestCertificates {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** A certificate with its key, PEM. */
export interface KeyedCertificate {
  readonly cert: string
  readonly key: string
  /** The public key. */
  readonly jwk: JsonWebKey
}

/** An authority that certifies clients. */
export interface TestAuthority {
  readonly ca: string
  certify(subject: string): KeyedCertificate
}

const asPem = ({ privateKey }: { readonly privateKey: KeyObject }): string =>
  privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

/** Makes an authority for clients; every client's name is `CN=` and its subject. */
export const makeAuthority = (issuer = 'Client authority'): TestAuthority => {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const common = { issuer, signedBy: authority.privateKey }
  return {
    ca: certificate({ ...common, subject: issuer, publicKey: authority.publicKey, extensions: AUTHORITY }),
    certify: (subject) => {
      const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const cert = certificate({ ...common, subject, publicKey: pair.publicKey, extensions: CLIENT })
      return { cert, key: asPem(pair), jwk: pair.publicKey.export({ format: 'jwk' }) }
    },
  }
}

/** Makes an authority and a certificate for `localhost` and 127.0.0.1, good for a day. */
export const makeCertificates = (): TestCertificates => {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const common = { issuer: 'Test authority', signedBy: authority.privateKey }
  return {
    ca: certificate({ ...common, subject: 'Test authority', publicKey: authority.publicKey, extensions: AUTHORITY }),
    cert: certificate({ ...common, subject: 'localhost', publicKey: server.publicKey, extensions: LOCALHOST }),
    key: asPem(server),
  }
}
