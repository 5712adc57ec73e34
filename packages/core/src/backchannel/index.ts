// The door of the backchannel room.

export * from './decide.ts'
export * from './deliver.ts'
