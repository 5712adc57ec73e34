// Owns how a fault of the configuration is told. Never repeats the value of a credential.

import { type RawSettings, SETTINGS } from './settings.ts'

/** One fault of the configuration. */
export interface ConfigProblem {
  /** Key of the setting; undefined where the file itself is at fault, or holds what is no setting. */
  readonly key: keyof RawSettings | undefined
  /** A sentence for the operator, without its subject. */
  readonly message: string
}

/** A fault of one setting. */
export const problem = (key: keyof RawSettings, message: string): ConfigProblem => ({ key, message })

/** One line about a fault: both names of the setting, and what is wrong with it. */
export const describeProblem = ({ key, message }: ConfigProblem): string =>
  key === undefined ? message : `${SETTINGS[key].env} (in the file: ${key}) ${message}`
