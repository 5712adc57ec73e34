// The door of the keys room: the ring, its published form, and where the public keys come from.

export * from './jwks.ts'
export * from './loaded-keys.ts'
export * from './records.ts'
export * from './ring.ts'
export * from './thumbprint.ts'
