// Owns which languages there are. Never chooses one for a person.

import { en, type Messages } from './messages.en.ts'
import type { Locale } from './model.ts'

export type { Messages } from './messages.en.ts'

const CATALOGUES: Readonly<Record<Locale, Messages>> = { en }

/** The catalogue of a language. */
export const messagesFor = (locale: Locale): Messages => CATALOGUES[locale]
