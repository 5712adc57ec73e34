// The door of the pkce room.

export * from './challenge.ts'
