// Owns self-signed certificates for tests, made anew each time (X.690 DER, RFC 5280 §4.1). Never used by a server that anybody else reaches.

import { createSign, generateKeyPairSync, randomBytes } from 'node:crypto'

const der = (tag: number, ...contents: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(contents)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

const sequence = (...contents: readonly Buffer[]): Buffer => der(0x30, ...contents)

// ecdsa-with-SHA256 and id-at-commonName
const SIGNATURE = sequence(der(0x06, Buffer.from('2a8648ce3d040302', 'hex')))
const NAME_TYPE = der(0x06, Buffer.from('550403', 'hex'))

const utcTime = (at: number): Buffer =>
  der(0x17, Buffer.from(`${new Date(at).toISOString().replace(/\D/g, '').slice(2, 14)}Z`))

const DAY = 86_400_000

/** A certificate and its private key, PEM. */
export interface TestCertificate {
  readonly cert: string
  readonly key: string
}

/** Makes a certificate that vouches for itself, good for a day. */
export const makeCertificate = (name: string): TestCertificate => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const named = sequence(der(0x31, sequence(NAME_TYPE, der(0x0c, Buffer.from(name)))))
  const serial = randomBytes(12)
  serial.writeUInt8(0x40 | (serial.readUInt8() & 0x3f))
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    SIGNATURE,
    named,
    sequence(utcTime(Date.now() - DAY), utcTime(Date.now() + DAY)),
    named,
    publicKey.export({ type: 'spki', format: 'der' }),
  )
  const signature = createSign('sha256').update(body).sign(privateKey)
  const text = sequence(body, SIGNATURE, der(0x03, Buffer.from([0]), signature)).toString('base64')
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${text.replace(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}
