// The door of the bearer room.

export * from './load.ts'
