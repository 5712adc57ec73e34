// The door of the dpop room.

export * from './nonce.ts'
export * from './proof.ts'
export * from './request.ts'
