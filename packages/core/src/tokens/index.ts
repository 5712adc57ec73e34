// The door of the tokens room: mint and verify.

export * from './credential.ts'
export * from './id-token.ts'
export * from './jws.ts'
