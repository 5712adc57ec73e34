// The door of the resource room.

export * from './audience.ts'
export * from './target.ts'
