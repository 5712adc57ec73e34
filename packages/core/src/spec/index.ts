// The door of the spec room: words, error codes and numbers.

export * from './errors.ts'
export * from './numbers.ts'
export * from './vocabulary.ts'
