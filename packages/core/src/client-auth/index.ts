// The door of the client-auth room.

export * from './authenticate.ts'
export * from './client-keys.ts'
export * from './credentials.ts'
