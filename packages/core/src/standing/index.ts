// The door of the standing room.

export * from './standing.ts'
