// The door of the base room: types and small total functions that every other room may use.

export * from './brand.ts'
export * from './constant-time.ts'
export * from './encoding.ts'
export * from './exhaustive.ts'
export * from './json.ts'
export * from './multi-map.ts'
export * from './result.ts'
export * from './secret.ts'
export * from './unavailable.ts'
