// The door of the tokens room: mint and verify.

export * from './credential.ts'
export * from './id-token.ts'
export * from './id-token-hint.ts'
export * from './jws.ts'
export * from './jwt-access-token.ts'
export * from './logout-token.ts'
export * from './refresh-token.ts'
