// The door of the interaction room.

export * from './decide.ts'
export * from './display.ts'
