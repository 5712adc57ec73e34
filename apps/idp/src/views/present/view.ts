// Owns what a presenter hands to a template: its name, the title of the document, and data that needs no more decisions.
// Never renders.

import type { Messages } from '../messages.ts'
import type { PageContext } from '../model.ts'

/** What every presenter may use. */
export interface PresentContext {
  readonly m: Messages
  readonly context: PageContext
}

/** A page ready for its template. */
export interface View {
  /** The template's name in the views folder, without extension. */
  readonly template: string
  readonly title: string
  /** A page with much to read gets the wider card. */
  readonly wide?: boolean
  readonly data: object
}
